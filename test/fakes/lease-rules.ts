// What grants and closes should give, in the plainest form.
import type { Amount, BudgetScope, LeaseRequest, NearCap } from "../../src/protocol/money/lease.ts";

/** The rules again, as plain as they are said. */
export class Model {
  readonly used = new Map<string, Amount>();
  readonly leases = new Map<string, { scopes: string[]; amount: Amount; isClosed: boolean }>();

  grant(name: string, request: LeaseRequest): Amount | "refused" | "closed" {
    const known = this.leases.get(name);
    if (known) return known.isClosed ? "closed" : known.amount;
    const left: Amount = {
      cost: Number.POSITIVE_INFINITY,
      tokens: Number.POSITIVE_INFINITY,
      ms: Number.POSITIVE_INFINITY,
    };
    for (const scope of request.scopes) {
      const used = this.#usedOf(nameOf(scope));
      const { max_cost_usd, max_total_tokens, max_minutes } = scope.caps;
      if (max_cost_usd != null) left.cost = Math.min(left.cost, Math.max(0, max_cost_usd * 1e9 - used.cost));
      if (max_total_tokens != null) left.tokens = Math.min(left.tokens, Math.max(0, max_total_tokens - used.tokens));
      if (max_minutes != null) left.ms = Math.min(left.ms, Math.max(0, max_minutes * 60_000 - used.ms));
    }
    const each = (make: (name: keyof Amount) => number): Amount => ({
      cost: make("cost"),
      tokens: make("tokens"),
      ms: make("ms"),
    });
    const has = (amount: Amount, times = 1) =>
      left.cost >= amount.cost * times && left.tokens >= amount.tokens * times && left.ms >= amount.ms * times;
    if (!has(request.least)) return "refused";
    const wish = has(request.need, 8) ? request.wanted : request.need;
    const amount = each((dimension) => Math.min(left[dimension], wish[dimension]));
    const scopes = request.scopes.map(nameOf);
    for (const scope of scopes) this.#add(scope, amount, 1);
    this.leases.set(name, { scopes, amount, isClosed: false });
    return amount;
  }

  close(name: string, spent: Amount): void {
    const lease = this.leases.get(name);
    if (lease === undefined || lease.isClosed) return;
    for (const scope of lease.scopes) {
      this.#add(scope, lease.amount, -1);
      this.#add(scope, spent, 1);
    }
    Object.assign(lease, { isClosed: true, amount: spent });
  }

  #usedOf(scope: string): Amount {
    return this.used.get(scope) ?? { cost: 0, tokens: 0, ms: 0 };
  }

  #add(scope: string, amount: Amount, sign: 1 | -1): void {
    const used = this.#usedOf(scope);
    this.used.set(scope, {
      cost: used.cost + sign * amount.cost,
      tokens: used.tokens + sign * amount.tokens,
      ms: used.ms + sign * amount.ms,
    });
  }
}

export const nameOf = ({ scope, id, period }: BudgetScope) => `${scope} ${id} ${period}`;

export const add = (one: Amount, other: Amount): Amount => ({
  cost: one.cost + other.cost,
  tokens: one.tokens + other.tokens,
  ms: one.ms + other.ms,
});
/** Whether less than the least is left of a cap, in its own unit. */
export function isTooSmall({ name, limit, used }: NearCap, least: Amount): boolean {
  const inUnit = { max_cost_usd: least.cost / 1e9, max_total_tokens: least.tokens, max_minutes: least.ms / 60_000 };
  return Math.max(0, limit - used) < inUnit[name];
}
