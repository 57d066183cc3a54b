// D1's budgets in memory: grants leases within caps over many threads, and takes them back. It is as strict as D1: a
// repeat is the same lease, what is granted counts as spent, and a lease is closed once.

import type {
  Amount,
  BudgetScope,
  ClosedLease,
  Lease,
  LeaseAnswer,
  LeaseRequest,
} from "../../src/protocol/money/lease.ts";
import { nothing } from "../../src/protocol/money/lease.ts";
import { inUnitOf, limitsOf } from "../../src/thread/caps/limits.ts";
import { add, shortfall } from "../../src/thread/usage/amounts.ts";

interface Row {
  lease: Lease;
  scopes: BudgetScope[];
  closed: boolean;
  /** What it counts in the budgets. */
  counted: Amount;
}

export class FakeBudgets {
  scopes: BudgetScope[];
  readonly rows = new Map<string, Row>();
  readonly requests: LeaseRequest[] = [];
  /** Set while D1 is away. */
  isAway = false;

  constructor(...scopes: BudgetScope[]) {
    this.scopes = scopes;
  }

  readonly grant = async (request: LeaseRequest): Promise<LeaseAnswer> => {
    this.requests.push(structuredClone(request));
    if (this.isAway) throw new Error("D1 is away");
    const known = this.rows.get(request.lease_id);
    if (known !== undefined) {
      return known.closed ? { kind: "closed" } : { kind: "granted", lease: structuredClone(known.lease), near: [] };
    }
    const left = { cost: Number.MAX_SAFE_INTEGER, tokens: Number.MAX_SAFE_INTEGER, ms: Number.MAX_SAFE_INTEGER };
    for (const { scope, period, caps } of request.scopes) {
      const used = this.used(scope, period);
      for (const { name, limit, dimension, amount } of limitsOf(caps)) {
        const room = amount - used[dimension];
        left[dimension] = Math.min(left[dimension], Math.max(0, room));
        if (room < Math.max(request.least[dimension], dimension === "ms" ? 1 : 0)) {
          const others = this.open.filter((id) => !request.own_leases?.includes(id));
          const held = others.reduce((sum, id) => sum + (this.rows.get(id)?.counted[dimension] ?? 0), 0);
          const is_held = room + held >= request.least[dimension];
          return {
            kind: "refused",
            is_held,
            cap: { scope, name, period, limit, used: inUnitOf(name, used[dimension]) },
          };
        }
      }
    }
    const isWide = (["cost", "tokens", "ms"] as const).every((name) => left[name] >= 8 * request.need[name]);
    const wanted = isWide ? request.wanted : request.need;
    const amount = {
      cost: Math.min(wanted.cost, left.cost),
      tokens: Math.min(wanted.tokens, left.tokens),
      ms: Math.min(wanted.ms, left.ms),
    };
    const periods = request.scopes.map(({ scope, period }) => ({ scope, period }));
    const lease = { lease_id: request.lease_id, amount, periods };
    this.rows.set(request.lease_id, { lease, scopes: request.scopes, closed: false, counted: amount });
    return { kind: "granted", lease: structuredClone(lease), near: [] };
  };

  readonly close = (leases: ClosedLease[] = []): void => {
    for (const { lease_id, spent } of leases) {
      const row = this.rows.get(lease_id);
      if (row === undefined || row.closed) continue;
      row.closed = true;
      row.counted = spent;
    }
  };

  get open(): string[] {
    return [...this.rows].filter(([, { closed }]) => !closed).map(([id]) => id);
  }

  used(scope: BudgetScope["scope"], period: string): Amount {
    const of = [...this.rows.values()].filter(({ scopes }) =>
      scopes.some((each) => each.scope === scope && each.period === period),
    );
    return of.reduce((sum, { counted }) => add(sum, counted), nothing);
  }

  /** By how much a budget is above its caps. */
  get excess(): Amount {
    return this.scopes.reduce((sum, { scope, period, caps }) => {
      const limits = Object.fromEntries(limitsOf(caps).map(({ dimension, amount }) => [dimension, amount]));
      const most = {
        cost: Number.MAX_SAFE_INTEGER,
        tokens: Number.MAX_SAFE_INTEGER,
        ms: Number.MAX_SAFE_INTEGER,
        ...limits,
      };
      return add(sum, shortfall(this.used(scope, period), most));
    }, nothing);
  }
}
