// Amounts of money as the page and `npm run ask` show them.

/** A call costs a tenth of a cent. What is less than this keeps its first two digits: only nothing is shown as $0.00. */
const SMALLEST_OF_FOUR_DIGITS = 0.0001;

export function formatMoney(locale: string, usd: number): string {
  const isTiny = usd > 0 && usd < SMALLEST_OF_FOUR_DIGITS;
  return new Intl.NumberFormat(locale, {
    ...{ style: "currency", currency: "USD", currencyDisplay: "narrowSymbol" },
    ...(isTiny ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: usd < 1 ? 4 : 2 }),
  }).format(usd);
}
