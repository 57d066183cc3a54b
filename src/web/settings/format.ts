// Formats times and numbers in the person's language.
import { type Language, preferences } from "../state/preferences.ts";
import { useStore } from "../state/store.ts";

/** The person's own variant of the language where the browser names one: English dates differ by country. */
export function localeOf(language: Language, languages: readonly string[]): string {
  return languages.find((tag) => tag.toLowerCase().split("-")[0] === language) ?? (language === "zh" ? "zh-CN" : "en");
}

export function useLocale(): string {
  return localeOf(
    useStore(preferences, ({ language }) => language),
    navigator.languages,
  );
}

/** "" for an invalid time: a faulty answer of the server should not break the page. */
export function formatTime(locale: string, time: string, timeZone?: string): string {
  return format(time, locale, { dateStyle: "medium", timeStyle: "short", timeZone });
}

/** With the weekday, which schedules are about. */
export function formatDue(locale: string, time: string, timeZone?: string): string {
  return format(time, locale, {
    ...{ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
    timeZone,
  });
}

/** A calendar day, the same in every zone. */
export function formatDay(locale: string, date: string, isLong = false): string {
  return format(date, locale, {
    ...{ day: "numeric", month: "short", timeZone: "UTC" },
    ...(isLong ? { weekday: "short" } : {}),
  });
}

export function formatNumber(locale: string, value: number): string {
  return new Intl.NumberFormat(locale).format(value);
}

/** Where there is little room: 12K, 3.4M. */
export function formatCompact(locale: string, value: number): string {
  return new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

export function formatDuration(locale: string, ms: number): string {
  const isShort = ms < 1000;
  const unit = { style: "unit", unit: isShort ? "millisecond" : "second", unitDisplay: "short" } as const;
  return new Intl.NumberFormat(locale, { ...unit, maximumFractionDigits: isShort ? 0 : 1 }).format(
    isShort ? ms : ms / 1000,
  );
}

/** A title for something without one: its first line that is not empty. */
export function firstLine(text: string, max = 120): string {
  const line = text.split("\n").find((each) => each.trim() !== "") ?? "";
  const characters = Array.from(line.trim());
  return characters.length > max ? `${characters.slice(0, max - 1).join("")}…` : characters.join("");
}

function format(time: string, locale: string, options: Intl.DateTimeFormatOptions): string {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return "";
  try {
    return new Intl.DateTimeFormat(locale, options).format(at);
  } catch {
    // A zone that the server knows and this browser does not.
    return new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC", timeZoneName: "short" }).format(at);
  }
}
