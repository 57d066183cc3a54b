// A run that ended because of what it may spend, in plain words.
import type { CapScope, ReachedCap } from "../../protocol/money/caps.ts";
import type { Why } from "../client/conversation.ts";
import { type CostFormats, formatCap } from "./formats.ts";
import type { words } from "./words.ts";

type Said = (typeof words)["en"];

/** Null where the server's own sentence says it best. */
export function describeReason({ code, reason, cap }: Why, said: Said, formats: CostFormats): string | null {
  if (code === "budget_unavailable") return said.budgetUnavailable;
  if (code === "price_unknown") return said.priceUnknown;
  if (code !== "budget") return null;
  return cap === undefined ? said.budget + said.gap + said.raise : describeCap(cap, reason, said, formats);
}

function describeCap(
  { scope, name, limit, period }: ReachedCap,
  reason: string | undefined,
  said: Said,
  formats: CostFormats,
): string {
  const amount = limit === undefined ? "" : formatCap(formats, said, name, limit);
  const time = period === undefined ? "" : period.length > 7 ? said.day(period) : said.month(period);
  // A scope of a later version.
  const whose: string | undefined = said.of[scope];
  if (whose === undefined) return said.budget;
  if (reason === "held") return said.held(whose, amount, time);
  if (reason === "too_low") return said.tooLow(whose, amount, time) + said.gap + raiseFor(scope, said);
  return said.reached(whose, amount, time) + said.gap + adviseFor(scope, said);
}

/** Where the limit is too low, neither another message nor another day helps. */
function raiseFor(scope: CapScope, said: Said): string {
  if (scope === "deployment") return said.askOperator;
  return scope === "user" ? said.askAdmin : said.raise;
}

function adviseFor(scope: CapScope, said: Said): string {
  switch (scope) {
    case "deployment":
      return said.askOperator;
    case "user":
      return said.wait;
    case "project":
      return said.raise;
    default:
      return said.again;
  }
}
