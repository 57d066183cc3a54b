// Formats sizes, durations and counts in the page's language.
import { formatMoney } from "../client/money.ts";
import type { Language } from "../state/preferences.ts";
import { preferences } from "../state/preferences.ts";
import { useStore } from "../state/store.ts";

export interface Formats {
  bytes(count: number): string;
  count(value: number): string;
  duration(ms: number): string;
  /** With the day, unless it is today. */
  moment(at: number, now?: number): string;
  clock(at: number): string;
  money(usd: number): string;
}

const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

export function formatsOf(language: Language): Formats {
  const locale = language === "zh" ? "zh-CN" : "en-GB";
  const number = new Intl.NumberFormat(locale);
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
  const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const short = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
  const measure = (value: number, unit: string, digits: number): string =>
    new Intl.NumberFormat(locale, {
      style: "unit",
      unit,
      unitDisplay: units.some((each) => each === unit) ? "short" : "narrow",
      maximumFractionDigits: digits,
    }).format(value);
  return {
    bytes(count) {
      if (count < 1000) return `${number.format(count)} B`;
      let [value, rank] = [count, 0];
      while (value >= 1000 && rank < units.length - 1) {
        value /= 1000;
        rank += 1;
      }
      return measure(value, units[rank] ?? "byte", value < 10 ? 1 : 0);
    },
    count: (value) => number.format(value),
    duration(ms) {
      const seconds = Math.max(0, ms) / 1000;
      if (seconds < 60) return measure(seconds, "second", seconds < 10 ? 1 : 0);
      const minutes = Math.floor(seconds / 60);
      const pair = (one: string, rest: number, unit: string): string =>
        rest === 0 ? one : `${one} ${measure(rest, unit, 0)}`;
      if (minutes < 60) return pair(measure(minutes, "minute", 0), Math.floor(seconds % 60), "second");
      return pair(measure(Math.floor(minutes / 60), "hour", 0), minutes % 60, "minute");
    },
    moment: (at, now = Date.now()) =>
      (new Date(at).toDateString() === new Date(now).toDateString() ? short : moment).format(at),
    clock: (at) => clock.format(at),
    money: (usd) => formatMoney(locale, usd),
  };
}

const formats = { en: formatsOf("en"), zh: formatsOf("zh") };

export function useFormats(): Formats {
  return formats[useStore(preferences, ({ language }) => language)];
}
