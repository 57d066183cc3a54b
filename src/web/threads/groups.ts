// Groups the list by calendar days of the local zone, as people remember them, not by hours passed. It uses the time a
// conversation began, as the server's pages do: a later page is then below an earlier one, and no row jumps.
const spans = ["today", "yesterday", "week", "older"] as const;
export type Span = (typeof spans)[number];

interface Dated {
  created_at: string;
}

/** Newest first; empty groups are left out. */
export function groupByDay<T extends Dated>(rows: readonly T[], now: Date): { span: Span; rows: T[] }[] {
  const sorted = rows.toSorted((one, other) => other.created_at.localeCompare(one.created_at));
  const found = Map.groupBy(sorted, ({ created_at }) => spanOf(new Date(created_at), now));
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
