import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readDuration, readHeaderWait, readLimitReset, readMoment, readWordsWait } from "./stated-wait.ts";

const now = Date.parse("2026-11-27T10:00:00Z");

describe("readDuration", () => {
  it.each([
    ["1s", 1000],
    ["20ms", 20],
    ["6m0s", 360_000],
    ["1h2m3.5s", 3_723_500],
    ["2m59.56s", 179_560],
    ["50.597142857s", 50_597],
    ["1d", 86_400_000],
    ["14 s", 14_000],
    ["5 seconds", 5000],
    ["1 minute and 30 seconds", 90_000],
    ["2 hours, 5 mins", 7_500_000],
    ["30 秒", 30_000],
    ["1分钟30秒", 90_000],
  ])("reads %s", (text, expected) => {
    expect(readDuration(text)).toBe(expected);
  });

  it.each(["", "5", "s", "soon", "3 models", "1m30", "-5s", "5 s ago"])("reads nothing in %j", (text) => {
    expect(readDuration(text)).toBeNull();
  });
});

describe("readMoment", () => {
  it.each([
    ["7.66s", 7660],
    ["58.5", 58_500],
    ["0", 0],
    [String(now + 3000), 3000],
    [String(now / 1000 + 45), 45_000],
    ["2026-11-27T10:01:00Z", 60_000],
    ["Fri, 27 Nov 2026 10:00:07 GMT", 7000],
    [String(now - 3000), 0],
  ])("reads %s as a time from now", (text, expected) => {
    expect(readMoment(text, now)).toBe(expected);
  });

  it.each(["", "soon", "Infinity", "NaN"])("reads nothing in %j", (text) => {
    expect(readMoment(text, now)).toBeNull();
  });
});

describe("readHeaderWait", () => {
  const read = (init: Record<string, string>, isLimit = true) => readHeaderWait(new Headers(init), isLimit, now);

  it("prefers what is said about the next request to what is said about a limit", () => {
    const reset = { "x-ratelimit-reset-requests": "6m0s" };
    expect(read({ "retry-after-ms": "150", "retry-after": "2", ...reset })).toBe(150);
    expect(read({ "retry-after": "2", ...reset })).toBe(2000);
    expect(read(reset)).toBe(360_000);
  });

  it("ignores the state of the limits if none of them is the cause", () => {
    expect(read({ "x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "0" }, false)).toBeNull();
    expect(read({ "retry-after": "2" }, false)).toBe(2000);
  });
});

describe("readLimitReset", () => {
  const limits: [about: string, headers: Record<string, string>, expected: number | null][] = [
    [
      "the limit with nothing remaining (OpenAI's reference of headers)",
      {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-remaining-tokens": "149984",
        "x-ratelimit-reset-tokens": "6m0s",
      },
      1000,
    ],
    [
      "the larger if the server doesn't say what remains",
      { "x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s" },
      360_000,
    ],
    [
      "too few tokens, where a day's requests remain (Groq's documentation)",
      {
        "x-ratelimit-remaining-requests": "14370",
        "x-ratelimit-reset-requests": "2m59.56s",
        "x-ratelimit-remaining-tokens": "170",
        "x-ratelimit-reset-tokens": "7.66s",
      },
      7660,
    ],
    [
      "a minute's tokens beside a day's requests, in seconds (Cerebras' documentation)",
      {
        "x-ratelimit-remaining-requests-day": "1400",
        "x-ratelimit-reset-requests-day": "33011.382867",
        "x-ratelimit-remaining-tokens-minute": "0",
        "x-ratelimit-reset-tokens-minute": "11.382867",
      },
      11_383,
    ],
    [
      "a time in milliseconds (OpenRouter)",
      { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": String(now + 9000) },
      9000,
    ],
    [
      "a date (Anthropic's documentation)",
      { "anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "2026-11-27T10:00:30Z" },
      30_000,
    ],
    ["seconds (the draft for RateLimit headers)", { "ratelimit-remaining": "0", "ratelimit-reset": "50" }, 50_000],
    [
      "the larger of two that are both used up",
      {
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "20ms",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "20s",
      },
      20_000,
    ],
    ["nothing usable", { "x-ratelimit-reset-tokens": "soon", "content-type": "reset" }, null],
  ];
  it.each(limits)("reads %s", (_about, headers, expected) => {
    expect(readLimitReset(new Headers(headers), now)).toBe(expected);
  });
});

describe("readWordsWait", () => {
  it.each([
    ["Rate limit reached for m on tokens per min (TPM): Limit 7000. Please try again in 14s. Visit the page.", 14_000],
    ["Please try again in 6.78s. Need more tokens?", 6780],
    ["on tokens per day (TPD): Limit 100000, Used 97050, Requested 3619. Please try again in 9m38.016s.", 578_016],
    ["* Quota exceeded for metric: x, limit: 5\nPlease retry in 39.9s.", 39_900],
    ["please try again in 1m30s", 90_000],
    ["request reached organization max RPM: 3, please try again after 1 seconds", 1000],
    ["have exceeded token rate limit of your current pricing tier. Please retry after 86400 seconds.", 86_400_000],
    ["Rate limit is exceeded. Try again in 30 seconds.", 30_000],
    ["Too many requests. Wait 20 seconds and repeat.", 20_000],
    ["Your limit resets in 2 hours and 5 minutes", 7_500_000],
    ["Limit: try again in 150ms", 150],
    ["请求过于频繁，请在 30 秒后重试", 30_000],
    ["请等待1分钟30秒", 90_000],
    ["速率超限，5秒后再试", 5000],
    ["已达到 5 小时的使用上限。您的限额将在 2026-11-27 19:00:00 重置。", 3_600_000],
    ["Usage limit reached. Your limit will reset at 2026-11-27 19:00:00", 3_600_000],
  ])("reads the wait in: %s", (text, expected) => {
    expect(readWordsWait(text, now)).toBe(expected);
  });

  it.each([
    "",
    "Please try again later.",
    "The request timed out after 60 seconds",
    "Limit 100 requests in 1 day",
    "You may retry with 3 models",
    "请稍后重试",
  ])("finds none in: %s", (text) => {
    expect(readWordsWait(text, now)).toBeNull();
  });

  it("returns a wait that a timer can hold, or none, and quickly, whatever the text", () => {
    const word = fc.constantFrom(
      "try again in ",
      "retry",
      "5",
      "99999999999",
      "1m",
      "s",
      " ",
      "秒",
      "后",
      ".",
      "请在",
      "and ",
      "0",
    );
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 200 }).map((words) => words.join("")),
        (text) => {
          const wait = readWordsWait(text, now);
          if (wait !== null) expect(wait).toBeGreaterThanOrEqual(0);
          expect(Number.isFinite(wait ?? 0)).toBe(true);
        },
      ),
    );
  });
});
