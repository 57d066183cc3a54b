// When a schedule is due: five fields of cron, read in an IANA time zone.
import { Cron } from "croner";

/** The next due times after `from`, at most `count`; none where it is never due again. Throws where either is not valid. */
export function nextTimes(cron: string, timezone: string, from: number, count: number): string[] {
  return new Cron(cron, { timezone, paused: true }).nextRuns(count, new Date(from)).map((time) => time.toISOString());
}
