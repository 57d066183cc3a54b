// Computes when a schedule is due: five cron fields in an IANA time zone. Clock changes follow Vixie cron. A cron with
// fixed hours and minutes is due once for each of them: a skipped time is due after the jump, and a repeated time is
// due the first time. A cron with a wildcard or a step in these fields follows the clock: a skipped time is not due and
// a repeated time is due twice, so every quarter of an hour stays one.
import { Cron } from "croner";

// All sixty minutes written out are 169 characters.
const MAX_CRON_CHARACTERS = 200;

// The longest IANA name has 32 characters.
const MAX_ZONE_CHARACTERS = 64;

const DAY_MINUTES = 24 * 60;

const nicknames = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/**
 * The next due times after `from`, at most `count`; empty if it is never due again. Throws if cron or zone is invalid.
 */
export function nextTimes(cron: string, timezone: string, from: number, count: number): string[] {
  return read(cron, timezone)
    .nextRuns(count, new Date(from))
    .map((time) => time.toISOString());
}

/**
 * The last due time after `after` and up to `until`; null if there is none. It is searched backwards, so the length of
 * the range does not matter. Throws if cron or zone is invalid.
 */
export function lastDue(cron: string, timezone: string, after: number, until: number): string | null {
  // The library searches before a time in whole seconds; due times are whole minutes.
  const [last] = read(cron, timezone).previousRuns(1, new Date(Math.floor(until / 1000) * 1000 + 1000));
  return last !== undefined && last.getTime() > after ? last.toISOString() : null;
}

/** What is wrong with a schedule, for its author; null if it is valid and due at some time after `from`. */
export function findScheduleFault(cron: string, timezone: string, from: number): string | null {
  if (timezone.length > MAX_ZONE_CHARACTERS || !isZone(timezone)) {
    return "timezone: is not an IANA time zone, such as Europe/Berlin or UTC";
  }
  if (cron.length > MAX_CRON_CHARACTERS) return `cron: is longer than ${MAX_CRON_CHARACTERS} characters`;
  const fields = cron.trim().split(/\s+/);
  const [first = ""] = fields;
  if (first.startsWith("@")) {
    if (fields.length > 1 || !nicknames.includes(first.toLowerCase())) {
      return `cron: the only nicknames are ${nicknames.join(", ")}`;
    }
  } else if (fields.length === 6 || fields.length === 7) {
    return "cron: has too many fields; it needs five (minute, hour, day, month, weekday), and seconds and years are not supported";
  } else if (fields.length !== 5) {
    return "cron: needs five fields: minute, hour, day, month, weekday, such as 0 9 * * MON-FRI";
  }
  return findCronFault(cron, timezone, from);
}

/**
 * Two due times (`00:56 and 01:00`) that are less than `minutes` apart, or null, as the cron is written: in UTC, since a change of the clock may
 * move times of a named day together once a year. A day's worth of due times is read, so that those around a full hour
 * and around midnight are among them. Throws if the cron is invalid.
 */
export function findCloseTimes(cron: string, minutes: number, from: number): string | null {
  const times = read(cron, "UTC");
  let last = times.nextRun(new Date(from));
  for (let left = Math.ceil(DAY_MINUTES / minutes); left > 0 && last !== null; left--) {
    const next = times.nextRun(last);
    if (next !== null && next.getTime() - last.getTime() < minutes * 60_000) {
      return [last, next].map((time) => time.toISOString().slice(11, 16)).join(" and ");
    }
    last = next;
  }
  return null;
}

/** A cron whose due times are at least `minutes` apart, also around the full hour, where most steps are not. */
export function exampleOfPace(minutes: number): string {
  const step = [2, 3, 4, 5, 6, 10, 12, 15, 20, 30].find((each) => each >= minutes);
  return step === undefined ? "0 * * * *" : `*/${step} * * * *`;
}

/** A due time in the schedule's local time: `Monday, 2026-11-02 09:00, Europe/Berlin (GMT+01:00)`. */
export function formatDueTime(due_at: string, timezone: string): string {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    weekday: "long",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZoneName: "longOffset",
  });
  const parts = new Map(format.formatToParts(new Date(due_at)).map(({ type, value }) => [type, value]));
  const read = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? "";
  const day = `${read("weekday")}, ${read("year")}-${read("month")}-${read("day")}`;
  return `${day} ${read("hour")}:${read("minute")}, ${timezone} (${read("timeZoneName")})`;
}

function read(cron: string, timezone: string): Cron {
  return new Cron(cron.trim(), { timezone, paused: true, mode: "5-part", fixedTimeRule: "no-wildcard" });
}

/** The library's errors count days and months from zero; people count from one. */
const countedFromZero = /(?<=Invalid value for (?:day|month): )-?\d+/;
const addOne = (number: string) => String(Number(number) + 1);

function findCronFault(cron: string, timezone: string, from: number): string | null {
  try {
    return nextTimes(cron, timezone, from, 1).length === 0 ? "cron: is never due, such as a 30th of February" : null;
  } catch (error) {
    const text =
      error instanceof Error ? error.message.replace(/^CronPattern: /, "").replace(countedFromZero, addOne) : "";
    return `cron: can't be read: ${text.slice(0, 200)}`;
  }
}

/** Offsets such as +02:00 are no zones: some runtimes accept them, others don't. */
function isZone(timezone: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+\-/]*$/.test(timezone)) return false;
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: timezone });
    return true;
  } catch {
    return false;
  }
}
