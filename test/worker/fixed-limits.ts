// Fixed limits are too large to be reached in a test: they become small until it ends.
import { onTestFinished } from "vitest";
import { fixedLimits, type Limit } from "../../src/protocol/money/quotas.ts";

/** Nothing that a user asks for is a request too many, and the fixed limits hold. */
export const MANY_OF_ALL = "requests_per_minute=1000000,runs_per_minute=1000000,runs_at_once=1000000";

export function setLimits(numbers: Partial<Record<keyof typeof fixedLimits, number>>): void {
  for (const [name, usual] of Object.entries(numbers)) {
    const limit: Limit = fixedLimits[name as keyof typeof fixedLimits];
    const before = limit.usual;
    limit.usual = usual;
    onTestFinished(() => {
      limit.usual = before;
    });
  }
}
