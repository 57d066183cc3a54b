// How long a server asks to wait before the next request: in headers of several families, or in words. Every reader
// returns null where nothing usable is said, so that the caller decides which source counts first.
import { readRetryAfter } from "../../../lib/retry.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** No limit is longer than a month. A number above a year is a time that was read in the wrong unit. */
const MAX_WAIT_MS = 366 * DAY;
/** From 2001 on in seconds, and in milliseconds. Smaller numbers are seconds to wait. */
const MIN_EPOCH_SECONDS = 1e9;
const MIN_EPOCH_MILLISECONDS = 1e12;

/** Limits of a later request say nothing about other failures, so these headers count for a 429 alone. */
export function readHeaderWait(headers: Headers, isLimit: boolean, now: number): number | null {
  const asked = readRetryAfter(headers, now);
  // A time since 1970 in the place of seconds.
  const wait = asked !== null && asked >= MIN_EPOCH_SECONDS * SECOND ? asked - now : asked;
  return (wait === null ? null : toWait(wait)) ?? (isLimit ? readLimitReset(headers, now) : null);
}

/**
 * Reads `x-ratelimit-reset-requests`, `anthropic-ratelimit-tokens-reset`, `X-RateLimit-Reset` and their relatives. The
 * limit that was reached is the one with nothing remaining. If none is, too few tokens remain for this request: a limit
 * on requests that has some left is not the cause, and a day that is used up has nothing remaining.
 */
export function readLimitReset(headers: Headers | Map<string, string>, now: number): number | null {
  const resets = [...headers].flatMap(([name, value]) => {
    const wait_ms = name.includes("ratelimit") && name.includes("reset") ? readMoment(value, now) : null;
    const remaining = Number(headers.get(name.replace("reset", "remaining")) ?? Number.NaN);
    return wait_ms === null ? [] : [{ name, wait_ms, remaining }];
  });
  const reached = resets.filter(({ remaining }) => remaining === 0);
  const possible = resets.filter(
    ({ name, remaining }) => !name.endsWith("-day") && !(name.includes("requests") && remaining > 0),
  );
  const chosen = [reached, possible, resets].find((list) => list.length > 0);
  return chosen === undefined ? null : Math.max(...chosen.map(({ wait_ms }) => wait_ms));
}

/** A duration (`6m0s`, `20ms`), seconds, a time since 1970 in seconds or milliseconds, or a date. */
export function readMoment(text: string, now: number): number | null {
  const value = text.trim();
  if (value === "") return null;
  const duration = readDuration(value);
  if (duration !== null) return duration;
  const number = Number(value);
  if (Number.isNaN(number)) return toWait(Date.parse(value) - now);
  if (number >= MIN_EPOCH_MILLISECONDS) return toWait(number - now);
  return toWait(number * SECOND - (number >= MIN_EPOCH_SECONDS ? now : 0));
}

/** By the first letter of a unit. Milliseconds begin like minutes. */
const unitLengths: Record<string, number> = {
  ...{ s: SECOND, m: MINUTE, h: HOUR, d: DAY },
  ...{ 毫: 1, 秒: SECOND, 分: MINUTE, 小: HOUR, 天: DAY },
};
// The longer names come first, so that `ms` is not read as `m`. Each number of repeats is bounded: a server wrote the text.
const unit = "(?:milliseconds?|ms|seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|毫秒|秒钟?|分钟?|小时|天|[smhd])";
const amount = `\\d{1,9}(?:\\.\\d{1,20})?\\s{0,3}${unit}`;
const duration = `${amount}(?:[\\s,]{0,3}(?:and\\s)?${amount}){0,4}(?![a-z\\d])`;

const wholeDuration = new RegExp(`^${duration}$`, "i");
const amounts = new RegExp(`(\\d{1,9}(?:\\.\\d{1,20})?)\\s{0,3}(${unit})`, "gi");

/** `14s`, `6m0s`, `1h2m3.5s`, `2 minutes and 5 seconds`, `30 秒`. */
export function readDuration(text: string): number | null {
  const value = text.trim().toLowerCase();
  if (!wholeDuration.test(value)) return null;
  let total = 0;
  for (const [, count, name = ""] of value.matchAll(amounts)) {
    total += Number(count) * (/^(?:ms|milli)/.test(name) ? 1 : (unitLengths[name.charAt(0)] ?? Number.NaN));
  }
  return toWait(total);
}

// A duration alone is no wait: "timed out after 60 seconds".
const asksToWait = "\\b(?:try|retry|retried|wait|again|resets?|refresh(?:es)?|available)\\b[^.;:\\d]{0,40}?";
const waitWords = [
  new RegExp(`${asksToWait}(${duration})`, "i"),
  new RegExp(`(?:等待|请在|请于)\\s{0,3}(${duration})`),
  new RegExp(`(${duration})\\s{0,3}(?:之后|以后|后)`),
];

/** Zhipu names the end of a plan's window as a time in Beijing. No other server is known to write a time like this. */
const beijingTime =
  /(?:重置|reset)[^\d]{0,20}(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)|(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\s*重置/i;

/** "Please try again in 1m30s", "retry after 5 seconds", "请在 30 秒后重试". */
export function readWordsWait(text: string, now: number): number | null {
  for (const words of waitWords) {
    const found = words.exec(text)?.[1];
    if (found !== undefined) return readDuration(found);
  }
  const [, day, time, dayBefore = day, timeBefore = time] = beijingTime.exec(text) ?? [];
  if (dayBefore === undefined) return null;
  return toWait(Date.parse(`${dayBefore}T${timeBefore}+08:00`) - now);
}

function toWait(milliseconds: number): number | null {
  if (!Number.isFinite(milliseconds) || milliseconds > MAX_WAIT_MS) return null;
  return Math.max(0, Math.round(milliseconds));
}
