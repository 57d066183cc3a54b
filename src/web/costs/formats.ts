// Money and counts as people read them, and a cap with its unit.
import type { CapName } from "../../protocol/money/caps.ts";
import { formatMoney } from "../client/money.ts";
import { type Language, preferences } from "../state/preferences.ts";
import { useStore } from "../state/store.ts";

export interface CostFormats {
  count(value: number): string;
  money(usd: number): string;
}

export function costFormatsOf(language: Language): CostFormats {
  const locale = language === "zh" ? "zh-CN" : "en-GB";
  const number = new Intl.NumberFormat(locale);
  return {
    count: (value) => number.format(value),
    money: (usd) => formatMoney(locale, usd),
  };
}

const formats = { en: costFormatsOf("en"), zh: costFormatsOf("zh") };

export function useCostFormats(): CostFormats {
  return formats[useStore(preferences, ({ language }) => language)];
}

/** `$5`, `5,000 tokens`, `30 minutes`: without cents where there are none. */
export function formatCap(
  { count, money }: CostFormats,
  said: { tokens: (count: string) => string; minutes: (count: string) => string },
  name: CapName,
  limit: number,
): string {
  if (name === "max_cost_usd") return money(limit).replace(/\.00$/, "");
  return name === "max_total_tokens" ? said.tokens(count(limit)) : said.minutes(count(limit));
}
