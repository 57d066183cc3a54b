// Grants leases: parts of the caps that hold over many threads. One batch of D1 is one transaction, so of any number of
// requests each sees what those before it were granted, and the sum never passes a cap. All scopes of a request are
// granted the same amount, or none is.
//
// A scope and period without a row gets one with what its runs have used so far, since a cap may be set during a month.
// The deployment's counts from the moment it is set: its runs are those of all users, whom no index brings together.
// Runs that began before the cap was set, and those of threads that were deleted by then, are not counted either.
import { logWarning } from "../../lib/log.ts";
import type { CapName } from "../../protocol/money/caps.ts";
import type { Amount, BudgetScope, Lease, LeaseAnswer, LeaseRequest, NearCap } from "../../protocol/money/lease.ts";
import { toNano, toUsd } from "../../protocol/money/price.ts";
import { restOf } from "../people/acting.ts";
import { ALIVE } from "../tombstones.ts";

/** With room for fewer needs than this, a lease is worth one: what others hold and do not use would refuse somebody. */
const NEEDS_IN_SIGHT = 8;

/** The part of a cap from which on it is near. */
const NEAR = 0.8;

const MS_PER_MINUTE = 60_000;

export const units: Record<
  keyof Amount,
  { cap: CapName; toAmount(cap: number): number; toCap(amount: number): number }
> = {
  cost: { cap: "max_cost_usd", toAmount: toNano, toCap: toUsd },
  tokens: { cap: "max_total_tokens", toAmount: (cap) => cap, toCap: (amount) => amount },
  ms: {
    cap: "max_minutes",
    toAmount: (cap) => Math.round(cap * MS_PER_MINUTE),
    toCap: (amount) => amount / MS_PER_MINUTE,
  },
};
/** In the order of `USED`. */
export const amountNames = Object.keys(units) as (keyof Amount)[];

/** A run that can't be read counts as nothing: it must not refuse all others. */
const RUN = "iif(json_valid(run), run, '{}')";
export const USED = `json_array(
  coalesce(sum(CAST(round(coalesce(${RUN} ->> '$.usage.cost_usd', 0) * 1e9) AS INTEGER)), 0),
  coalesce(sum(coalesce(${RUN} ->> '$.usage.input_tokens', 0) + coalesce(${RUN} ->> '$.usage.output_tokens', 0)), 0),
  coalesce(sum(coalesce(${RUN} ->> '$.worked_ms', 0)), 0))`;

/**
 * A thread that D1 did not know when its user was deleted may continue for a while. The user's budgets are gone, and
 * would begin anew.
 */
const HAS_OWNER = `${restOf("?1")} IS NOT 'deleted'`;

/** A run whose lease pays for what it has used so far is not counted here. */
const IS_COUNTED = "(?3 IS NULL OR runs.thread_id <> ?3 OR runs.invocation_id <> ?4)";

/** A day and a month are also the beginnings of the times in them. */
const MAKE_BUDGETS = `
WITH missing AS MATERIALIZED (
  SELECT asked.value ->> 'scope' AS scope, asked.value ->> 'id' AS id, asked.value ->> 'period' AS period,
    CASE asked.value ->> 'scope'
      WHEN 'user' THEN (SELECT ${USED} FROM runs INDEXED BY runs_by_creation
        WHERE user_id = ?1 AND created_at >= asked.value ->> 'period' AND ${IS_COUNTED})
      WHEN 'project' THEN (SELECT ${USED} FROM threads CROSS JOIN runs USING (user_id, thread_id)
        WHERE threads.user_id = ?1 AND threads.deleted_at IS NULL AND threads.project_id = asked.value ->> 'project_id'
          AND ${IS_COUNTED})
      ELSE '[0,0,0]' END AS used
  FROM json_each(?2) AS asked
  WHERE NOT EXISTS (SELECT 1 FROM budgets WHERE scope = asked.value ->> 'scope' AND id = asked.value ->> 'id'
    AND period = asked.value ->> 'period') AND ${HAS_OWNER})
INSERT INTO budgets (scope, id, period, cost, tokens, ms, open_cost, open_tokens, open_ms)
SELECT scope, id, period, used ->> 0, used ->> 1, used ->> 2, 0, 0, 0 FROM missing`;

const ofEach = (make: (name: keyof Amount) => string, between = ", ") => amountNames.map(make).join(between);
const asked = (field: "least" | "need" | "wanted", name: keyof Amount) => `(?4 ->> '$.${field}.${name}')`;

/** No cap at all leaves more than any number. */
const GRANT = `
WITH room AS MATERIALIZED (
  SELECT ${ofEach(
    (name) =>
      `coalesce(min(max(0, (asked.value ->> '${name}') - coalesce(b.${name}, 0))), 9223372036854775807) AS ${name}`,
  )}
  FROM json_each(?3) AS asked LEFT JOIN budgets AS b ON b.scope = asked.value ->> 'scope'
    AND b.id = asked.value ->> 'id' AND b.period = asked.value ->> 'period'),
part AS MATERIALIZED (
  SELECT *, CASE
    WHEN ${ofEach((name) => `${name} >= ${NEEDS_IN_SIGHT} * ${asked("need", name)}`, " AND ")} THEN 'wanted'
    WHEN ${ofEach((name) => `${name} >= ${asked("least", name)}`, " AND ")} THEN 'need' END AS field
  FROM room)
INSERT INTO leases (user_id, thread_id, lease_id, scope, period, id, invocation_id, granted_at, cost, tokens, ms)
SELECT ?1, ?2, ?4 ->> 'lease_id', asked.value ->> 'scope', asked.value ->> 'period', asked.value ->> 'id',
  ?4 ->> 'invocation_id', ?4 ->> 'granted_at',
  ${ofEach((name) => `min(part.${name}, iif(part.field = 'wanted', ${asked("wanted", name)}, ${asked("need", name)}))`)}
FROM part CROSS JOIN json_each(?3) AS asked
WHERE part.field IS NOT NULL AND ${ALIVE} AND ${HAS_OWNER}
  AND NOT EXISTS (SELECT 1 FROM leases WHERE user_id = ?1 AND thread_id = ?2 AND lease_id = ?4 ->> 'lease_id')`;

const READ_LEASE = `
SELECT scope, period, closed_at, cost, tokens, ms FROM leases WHERE user_id = ?1 AND thread_id = ?2 AND lease_id = ?3`;

const READ_USED = `
SELECT ${ofEach((name) => `coalesce(b.${name}, 0) AS ${name}, coalesce(b.open_${name}, 0) AS open_${name}`)}
FROM json_each(?1) AS asked LEFT JOIN budgets AS b ON b.scope = asked.value ->> 'scope'
  AND b.id = asked.value ->> 'id' AND b.period = asked.value ->> 'period' ORDER BY asked.key`;

const READ_OWN = `
SELECT scope, period, ${ofEach((name) => `sum(${name}) AS ${name}`)} FROM leases
WHERE user_id = ?1 AND thread_id = ?2 AND lease_id IN (SELECT value FROM json_each(?3)) AND +closed_at IS NULL
GROUP BY scope, period`;

type OwnRow = Amount & Pick<LeaseRow, "scope" | "period">;
type UsedRow = Amount & Record<`open_${keyof Amount}`, number>;
type LeaseRow = Amount & { scope: BudgetScope["scope"]; period: string; closed_at: string | null };

/**
 * Grants `wanted` if every cap has room for eight needs, else one need, else what is left if it is the least. Repeated,
 * it grants the same lease.
 */
export async function grantLease(db: D1Database, request: LeaseRequest): Promise<LeaseAnswer> {
  const { user_id, thread_id, lease_id, invocation_id, scopes, now } = request;
  const amounts = inOrder(request);
  const rows = JSON.stringify(scopes.map((scope) => toRow(user_id, scope)));
  const asked = { lease_id, invocation_id, granted_at: new Date(now).toISOString(), ...amounts };
  const own = request.own_leases ?? [];
  const [, , lease, used, held] = await db.batch([
    db.prepare(MAKE_BUDGETS).bind(user_id, rows, request.pays_before ? thread_id : null, invocation_id),
    db.prepare(GRANT).bind(user_id, thread_id, rows, JSON.stringify(asked)),
    db.prepare(READ_LEASE).bind(user_id, thread_id, lease_id),
    db.prepare(READ_USED).bind(rows),
    ...(own.length === 0 ? [] : [db.prepare(READ_OWN).bind(user_id, thread_id, JSON.stringify(own))]),
  ]);
  const usedByOthers = subtractOwn(scopes, (used?.results ?? []) as UsedRow[], (held?.results ?? []) as OwnRow[]);
  return toAnswer(request, (lease?.results ?? []) as LeaseRow[], usedByOthers);
}

/** What is open of each scope, without what the run itself holds of it. */
function subtractOwn(scopes: BudgetScope[], used: UsedRow[], own: OwnRow[]): UsedRow[] {
  return used.map((row, place) => {
    const { scope, period } = scopes[place] ?? {};
    const mine = own.find((each) => each.scope === scope && each.period === period);
    const open = amountNames.map((name) => [`open_${name}`, row[`open_${name}`] - (mine?.[name] ?? 0)]);
    return { ...row, ...Object.fromEntries(open) };
  });
}

function toAnswer(request: LeaseRequest, lease: LeaseRow[], used: UsedRow[]): LeaseAnswer {
  const [first] = lease;
  const caps = request.scopes.flatMap((scope, place) => capsOf(scope, used[place]));
  if (first === undefined) {
    // What costs nothing fits under a cap that is used up, or was lowered since.
    const isFull = ({ name, left }: (typeof caps)[number], held = 0) => Math.max(0, left + held) < request.least[name];
    const full = caps.find((cap) => isFull(cap, cap.held)) ?? caps.find((cap) => isFull(cap));
    // The thread or its user was deleted: nothing is granted to it any more.
    if (full === undefined) return { kind: "closed" };
    if (!isFull(full, full.held)) return { kind: "refused", cap: full.near, is_held: true };
    if (full.near.scope === "deployment") {
      const { user_id, thread_id, invocation_id } = request;
      logWarning("budget_reached", { ...full.near, user_id, thread_id, invocation_id });
    }
    return { kind: "refused", cap: full.near, is_held: false };
  }
  if (lease.some(({ closed_at }) => closed_at !== null)) return { kind: "closed" };
  const near = caps.map((each) => each.near).filter(({ limit, used }) => used > 0 && used >= NEAR * limit);
  return { kind: "granted", lease: toLease(request.lease_id, first, lease), near };
}

function toLease(lease_id: string, { cost, tokens, ms }: Amount, rows: LeaseRow[]): Lease {
  return { lease_id, amount: { cost, tokens, ms }, periods: rows.map(({ scope, period }) => ({ scope, period })) };
}

/** The caps that a scope sets, with what is left of each, and what others hold of it. */
function capsOf({ scope, period, caps }: BudgetScope, used: UsedRow | undefined) {
  return amountNames.flatMap((name) => {
    const { cap, toAmount, toCap } = units[name];
    const limit = caps[cap];
    if (limit == null || used === undefined) return [];
    const near: NearCap = { scope, name: cap, period, limit, used: toCap(used[name]) };
    return [{ name, left: toAmount(limit) - used[name], held: used[`open_${name}`], near }];
  });
}

/** A need is never less than the least, nor what is wanted less than the need. */
function inOrder({ least, need, wanted }: LeaseRequest): Pick<LeaseRequest, "least" | "need" | "wanted"> {
  const one = atLeast(need, least);
  return { least, need: one, wanted: atLeast(wanted, one) };
}

function atLeast(amount: Amount, other: Amount): Amount {
  return {
    cost: Math.max(amount.cost, other.cost),
    tokens: Math.max(amount.tokens, other.tokens),
    ms: Math.max(amount.ms, other.ms),
  };
}

/** Ids have no slash. */
export function toRow(user_id: string, { scope, id, period, caps }: BudgetScope): Record<string, unknown> {
  const amounts = amountNames.map((name) => {
    const limit = caps[units[name].cap];
    return [name, limit == null ? null : units[name].toAmount(limit)];
  });
  const own = scope === "project" ? { id: `${user_id}/${id}`, project_id: id } : { id };
  return { scope, period, ...own, ...Object.fromEntries(amounts) };
}
