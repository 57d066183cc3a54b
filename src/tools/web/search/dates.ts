// Dates as search services write them: ISO 8601, as in mail, as Google shows them, or as a time ago. What is left is the
// day, as it was written, in its own time zone: a source is cited by day.

const DAY_MS = 86_400_000;
/** The longest form has 40 characters. */
const MAX_UNITS = 64;
/** Pages are older than this at most on paper, and newer than now by their time zone. */
const FIRST_YEAR = 1990;

/** `YYYY-MM-DD`, or null if it says no day, or one that can't be. */
export function toDate(value: unknown, now: number): string | null {
  if (typeof value !== "string" || value.length > MAX_UNITS) return null;
  const text = value.trim();
  return readNumbers(text, now) ?? readWords(text, now) ?? readAgo(text, now);
}

/** Year first. Other orders of numbers mean different days in different countries. */
const NUMBERS = /^(\d{4})\s?([-/.年])\s?(\d{1,2})\s?(?:\2|月)\s?(\d{1,2})\s?日?(?=$|[\sT,])/;

function readNumbers(text: string, now: number): string | null {
  const [, year, , month, day] = NUMBERS.exec(text) ?? [];
  return toDay(year, month, day, now);
}

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH = `(${months.join("|")})[a-z]{0,6}\\.?`;
/** `Jan 5, 2024` and `5 Jan 2024`, also after a weekday and before a time. */
const MONTH_FIRST = new RegExp(
  `^(?:[a-z]{3,9},?\\s)?${MONTH}\\s(\\d{1,2})(?:st|nd|rd|th)?,?\\s(\\d{4})(?=$|[\\s,])`,
  "i",
);
const DAY_FIRST = new RegExp(
  `^(?:[a-z]{3,9},?\\s)?(\\d{1,2})(?:st|nd|rd|th)?\\s${MONTH},?\\s(\\d{4})(?=$|[\\s,])`,
  "i",
);

function readWords(text: string, now: number): string | null {
  const [, month = "", day, year] = MONTH_FIRST.exec(text) ?? [];
  const [, otherDay, otherMonth = "", otherYear] = DAY_FIRST.exec(text) ?? [];
  const numberOf = (name: string) => String(months.indexOf(name.slice(0, 3).toLowerCase()) + 1);
  return toDay(year, numberOf(month), day, now) ?? toDay(otherYear, numberOf(otherMonth), otherDay, now);
}

const units: [name: RegExp, days: number][] = [
  [/^(?:seconds?|secs?|minutes?|mins?|hours?|hrs?|秒钟?|分钟|小时|个小时)$/i, 0],
  [/^(?:days?|天|日)$/i, 1],
  [/^(?:weeks?|周|个?星期)$/i, 7],
  [/^(?:months?|个?月)$/i, 30],
  [/^(?:years?|年)$/i, 365],
];
const hourUnit = /^(?:hours?|hrs?|个?小时)$/i;

function readAgo(text: string, now: number): string | null {
  if (/^(?:today|just now|今天|刚刚)$/i.test(text)) return dayOf(now);
  if (/^(?:yesterday|昨天)$/i.test(text)) return dayOf(now - DAY_MS);
  if (/^前天$/.test(text)) return dayOf(now - 2 * DAY_MS);
  const [, amount = "", unit = ""] =
    /^(\d{1,4}|an?)\s?([a-z]+|\p{Script=Han}{1,3}?)(?:\sago|\s?前)$/iu.exec(text) ?? [];
  const found = units.find(([name]) => name.test(unit));
  if (found === undefined) return null;
  const count = /\d/.test(amount) ? Number(amount) : 1;
  const ms = hourUnit.test(unit) ? count * 3_600_000 : count * found[1] * DAY_MS;
  const day = dayOf(now - ms);
  return Number(day.slice(0, 4)) >= FIRST_YEAR ? day : null;
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function toDay(
  year: string | undefined,
  month: string | undefined,
  day: string | undefined,
  now: number,
): string | null {
  const [y, m, d] = [Number(year), Number(month), Number(day)];
  const date = new Date(Date.UTC(y, m - 1, d));
  const exists = date.getUTCFullYear() === y && date.getUTCMonth() === m - 1 && date.getUTCDate() === d;
  return exists && y >= FIRST_YEAR && date.getTime() <= now + 2 * DAY_MS ? dayOf(date.getTime()) : null;
}
