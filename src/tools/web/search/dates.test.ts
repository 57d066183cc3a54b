import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toDate } from "./dates.ts";

const now = Date.UTC(2026, 10, 20, 1, 30);
const toDay = (ms: number) => new Date(ms).toISOString().slice(0, 10);
const day = fc.integer({ min: Date.UTC(1990, 0, 1), max: now }).map(toDay);

const months = "January,February,March,April,May,June,July,August,September,October,November,December".split(",");
function partsOf(text: string) {
  const [year = "", month = "", date = ""] = text.split("-");
  return {
    year,
    month,
    date,
    name: months[Number(month) - 1] ?? "",
    short: (months[Number(month) - 1] ?? "").slice(0, 3),
  };
}

/** One day in each form that is read. */
const forms: ((text: string) => string)[] = [
  (text) => text,
  (text) => text.replaceAll("-", "/"),
  (text) => text.replaceAll("-", "."),
  (text) => `${text}T23:59:59-08:00`,
  (text) => `${text} 00:00:00`,
  (text) => `${text}T01:36:20.486Z`,
  (text) => ` ${text} `,
  (text) => ((p) => `${p.year}年${Number(p.month)}月${Number(p.date)}日`)(partsOf(text)),
  (text) => ((p) => `${p.name} ${Number(p.date)}, ${p.year}`)(partsOf(text)),
  (text) => ((p) => `${p.short}. ${p.date} ${p.year}`)(partsOf(text)),
  (text) => ((p) => `${Number(p.date)} ${p.short} ${p.year}`)(partsOf(text)),
  (text) => ((p) => `Mon, ${p.date} ${p.short.toUpperCase()} ${p.year} 09:00:00 GMT`)(partsOf(text)),
];

describe("a date", () => {
  it("is the same day in every form", () => {
    fc.assert(
      fc.property(day, fc.constantFrom(...forms), (text, form) => {
        expect(toDate(form(text), now)).toBe(text);
      }),
    );
  });

  it("is a day that exists, or null, whatever is sent", () => {
    const near = fc.stringMatching(/^[\d/.:, TZ年月日前天ago-]{0,30}$/);
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.string(), near), (value) => {
        const read = toDate(value, now);
        if (read === null) return;
        expect(read).toMatch(/^\d{4}-\d\d-\d\d$/);
        expect(toDay(Date.parse(read))).toBe(read);
        expect(Date.parse(read)).toBeGreaterThanOrEqual(Date.UTC(1989, 11, 31));
        expect(Date.parse(read)).toBeLessThanOrEqual(now + 2 * 86_400_000);
      }),
    );
  });

  it.each([
    ["2 hours ago", "2026-11-19"],
    ["an hour ago", "2026-11-20"],
    ["45 minutes ago", "2026-11-20"],
    ["1 day ago", "2026-11-19"],
    ["3 weeks ago", "2026-10-30"],
    ["2 小时前", "2026-11-19"],
    ["3天前", "2026-11-17"],
    ["1个月前", "2026-10-21"],
    ["2 年前", "2024-11-20"],
    ["yesterday", "2026-11-19"],
    ["昨天", "2026-11-19"],
    ["前天", "2026-11-18"],
    ["Sept 5, 2024", "2024-09-05"],
    ["5th May 2024", "2024-05-05"],
  ])("is read from %j as %s", (text, expected) => {
    expect(toDate(text, now)).toBe(expected);
  });

  it.each([
    "",
    "  ",
    "2026",
    "2026-02",
    "2026-02-30",
    "2026-13-01",
    "0001-01-01",
    "1970-01-01",
    "2031-01-01",
    "05/06/2024",
    "05.06.2024",
    "20240506",
    "2024-05-067",
    "soon",
    "9999 years ago",
    "12 parsecs ago",
    "Feb 30, 2024",
    "Version 3, 2024",
    "2024-5/6",
    null,
    1_700_000_000,
    ["2024-05-06"],
    `2024-05-06${" ".repeat(99)}`,
  ])("is not read from %j", (value) => {
    expect(toDate(value, now)).toBeNull();
  });
});
