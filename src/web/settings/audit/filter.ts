// What of the audit is asked for. Days are those of the person's own calendar.

export interface AuditFilter {
  whose: string;
  action: string;
  /** As a date field has them: `2026-01-31`, or "". */
  since: string;
  until: string;
}

export function pathOf({ whose, action, since, until }: AuditFilter): string {
  const query = new URLSearchParams({ limit: "50" });
  if (whose !== "") query.set("user_id", whose);
  if (action !== "") query.set("action", action);
  const [from, to] = [startOf(since, 0), startOf(until, 1)];
  if (from !== null) query.set("since", from);
  // The server leaves this moment out, and the person means the whole day.
  if (to !== null) query.set("until", to);
  return `/v1/audit?${query}`;
}

/** When the day begins, or the one that many days later. Null without a day. */
function startOf(day: string, later: number): string | null {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day);
  if (parts === null) return null;
  const at = new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]) + later);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}
