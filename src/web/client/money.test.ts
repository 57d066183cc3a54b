import { expect, it } from "vitest";
import { formatMoney } from "./money.ts";

it.each([
  [0, "$0.00"],
  [0.000_000_001, "$0.000000001"],
  [0.000_012_34, "$0.000012"],
  [0.000_1, "$0.0001"],
  [0.0123456, "$0.0123"],
  [0.5, "$0.50"],
  [0.999_99, "$1.00"],
  [12.345, "$12.35"],
  [1_234_567.891, "$1,234,567.89"],
])("%d US dollars are %s, also in Chinese, and only nothing is shown as nothing", (usd, shown) => {
  expect(formatMoney("en", usd)).toBe(shown);
  expect(formatMoney("zh-CN", usd)).toBe(shown);
});
