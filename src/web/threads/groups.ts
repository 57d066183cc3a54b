// The list by days, as people remember them: by the calendar of the place where the page is open, not by hours that have passed.
export const spans = ["today", "yesterday", "week", "older"] as const;
export type Span = (typeof spans)[number];

interface Dated {
  updated_at: string;
}

/** Newest first; spans in which nothing is are left out. */
export function groupByDay<T extends Dated>(rows: readonly T[], now: Date): { span: Span; rows: T[] }[] {
  const sorted = rows.toSorted((one, other) => other.updated_at.localeCompare(one.updated_at));
  const found = Map.groupBy(sorted, ({ updated_at }) => spanOf(new Date(updated_at), now));
  return spans.flatMap((span) => {
    const rows = found.get(span);
    return rows ? [{ span, rows }] : [];
  });
}

function spanOf(time: Date, now: Date): Span {
  const daysAgo = (days: number): Date => new Date(now.getFullYear(), now.getMonth(), now.getDate() - days);
  if (time >= daysAgo(0)) return "today";
  if (time >= daysAgo(1)) return "yesterday";
  return time >= daysAgo(7) ? "week" : "older";
}
