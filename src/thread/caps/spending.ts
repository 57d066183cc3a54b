// The port `Spending` of a run under caps: each call is reserved under all of them before it is made.

import { isChinese } from "../../agent/language.ts";
import type { Allowance, PlannedCall, Spending } from "../../agent/spending.ts";
import { describeError, logWarning } from "../../lib/log.ts";
import { withinTime } from "../../lib/time-limit.ts";
import { DEFAULT_AGENT_ID } from "../../protocol/ids.ts";
import type { ReachedCap } from "../../protocol/money/caps.ts";
import type { Amount } from "../../protocol/money/lease.ts";
import { worstCost } from "../../protocol/money/price.ts";
import { isTerminal, type RunError } from "../../protocol/run.ts";
import { countActive, type Life, storeHeld, storeRun, transact } from "../life.ts";
import { readLastSaid } from "../rows/messages.ts";
import type { RunRecord } from "../rows/runs.ts";
import { untilAborted } from "../sleep.ts";
import { plan } from "../usage/account.ts";
import { fits } from "../usage/amounts.ts";
import { type CallSize, type Counting, newReservation, openCounting, sizeOf, tellUsage } from "../usage/counting.ts";
import { accountOf, setAccount } from "../usage/record.ts";
import { noSpending } from "../usage/state.ts";
import { capOf, noteOwn, noteShared, warnOfOwn } from "./budget-events.ts";
import { cappedIn, type Holding, holdLease, type Need, scopesOf } from "./leases.ts";
import { hasLimit, type Left, leastReply, leftUnder, longestReply, shortUnder } from "./limits.ts";
import { heldOf, periodsOf } from "./pools.ts";
import { proposeCaps } from "./raise.ts";
import { askToRaise, budgetUnavailable, ownReached, priceUnknown, sharedReached } from "./refusal.ts";

/** What a lease must have of a minute's cap for a call. Models seldom think for longer. */
const CALL_MS = 60_000;
const LEAST_MS = 1_000;
/** While D1 is away, each call of a run waits for it so long. */
const READ_LIMIT_MS = 3_000;

export interface CappedSpending extends Spending {
  /** Takes a lease for a minute's work beside calls. Returns why it has none. */
  holdTime(signal: AbortSignal): Promise<RunError | null>;
}

export function openSpending(life: Life, record: RunRecord, onLease: () => void): CappedSpending {
  const counting = openCounting(life, record);
  const takeTurn = createTurns();
  /** After a call: warns of caps that are nearly used up. */
  const warn = (): void => {
    if (!isTerminal(record.run.status)) record.spending = warnOfOwn(accountOf(record), record.run);
  };
  return {
    // One at a time: each sees what those before it have taken.
    reserve: async (call, signal) => {
      storeHeld(life);
      const end = await takeTurn(signal);
      if (end === null) return { kind: "cancelled" };
      try {
        if (isTerminal(record.run.status)) return { kind: "cancelled" };
        const allowance = await reserveCall(life, record, counting, call, signal);
        onLease();
        return allowance;
      } finally {
        end();
      }
    },
    settle: (call_id, usage) => {
      counting.settle(call_id, usage);
      warn();
    },
    giveUp: (call_id, is_charged) => {
      counting.giveUp(call_id, is_charged);
      if (is_charged) warn();
    },
    expect: (call) => expectCall(life, record, call),
    holdTime: async (signal) => {
      const end = await takeTurn(signal);
      if (end === null) return null;
      try {
        return await holdTime(life, record, signal);
      } finally {
        end();
      }
    },
  };
}

async function holdTime(life: Life, record: RunRecord, signal: AbortSignal): Promise<RunError | null> {
  const time = { cost: 0, tokens: 0, ms: CALL_MS };
  const wanted: Need = {
    scopes: () => scopesOf(life, record),
    need: time,
    least: { ...time, ms: LEAST_MS },
    isWorking: true,
  };
  const holding = await holdLease(life, record, wanted, signal);
  if (holding.kind === "cancelled" || isTerminal(record.run.status)) return null;
  if (holding.kind === "held") transact(life, () => storeRun(life, record));
  return holding.kind === "held" ? null : refuseShared(record, holding, wanted.least);
}

/** Plans the next call, if it fits under what is left; else `reserve` finds out what to do. */
export function expectCall(life: Life, record: RunRecord, call: PlannedCall | null): void {
  if (isTerminal(record.run.status)) return;
  setAccount(record, plan(accountOf(record), null));
  if (call === null) return;
  const scopes = scopesOf(life, record);
  const size = sizeOf(life, call);
  if (size.price === null && hasLimit([...record.spending.caps, ...scopes.map(({ caps }) => caps)], "max_cost_usd"))
    return;
  const { tokens } = longestReply(size, leftUnder(accountOf(record)));
  if (tokens < leastReply(size)) return;
  const periods = scopes.length === 0 ? undefined : periodsOf(scopes);
  const planned = newReservation("planned", size, tokens, periods);
  const held = periods === undefined ? null : heldOf(record.spending, periods);
  if (held !== null && !fits({ ...amountFor(size, tokens), ms: LEAST_MS }, held, cappedIn(scopes))) return;
  setAccount(record, plan(accountOf(record), planned));
}

async function reserveCall(
  life: Life,
  record: RunRecord,
  counting: Counting,
  call: PlannedCall,
  signal: AbortSignal,
): Promise<Allowance> {
  if (record.spending.shared.is_old) await readShared(life, record, signal);
  countActive(life, record);
  // It was for this call.
  setAccount(record, plan(accountOf(record), null));
  const scopes = scopesOf(life, record);
  const size = sizeOf(life, call);
  const caps = [...record.spending.caps, ...scopes.map((scope) => scope.caps)];
  if (size.price === null && hasLimit(caps, "max_cost_usd"))
    return { kind: "refused", error: priceUnknown(call.model) };
  const own = limitReply(record, size);
  if (own.refused !== null) return refuseOwn(life, record, own.refused, size);
  const grant = (tokens: number, periods?: string): Allowance => {
    const call_id = counting.grant(size, tokens, periods);
    // D1 was away when the run came, and has no cap.
    if (caps.length === 0) return { kind: "granted", call_id, max_output_tokens: null };
    // What is left of a cap depends on it.
    tellUsage(life, record);
    return { kind: "granted", call_id, max_output_tokens: tokens };
  };
  if (scopes.length === 0) return grant(own.tokens);
  const wanted: Need = {
    scopes: () => scopesOf(life, record),
    need: { ...amountFor(size, own.tokens), ms: CALL_MS },
    least: { ...amountFor(size, leastReply(size)), ms: LEAST_MS },
  };
  const holding = await holdLease(life, record, wanted, signal);
  if (holding.kind === "cancelled" || signal.aborted) return { kind: "cancelled" };
  if (holding.kind !== "held") return { kind: "refused", error: refuseShared(record, holding, wanted.least) };
  const room = [...cappedIn(scopesOf(life, record))].map((dimension) => ({ dimension, left: holding.held[dimension] }));
  return grant(longestReply({ ...size, output_tokens: own.tokens }, room).tokens, holding.periods);
}

/** D1 was away when the run came. While it stays away, the run continues with what its thread last knew. */
async function readShared(life: Life, record: RunRecord, signal: AbortSignal): Promise<void> {
  const { ports, thread } = life;
  const { user_id, project_id } = thread;
  try {
    const asked = Promise.resolve(ports.readAgent(user_id, DEFAULT_AGENT_ID, project_id));
    const read = await untilAborted(withinTime(ports.clock, READ_LIMIT_MS, "D1", asked), signal);
    if (read === null) return;
    const { asked_leases, made } = record.spending;
    const shared = read.value?.caps ?? noSpending.shared;
    record.spending = { ...record.spending, shared, owes_before: made > 0 && asked_leases === 0 };
    transact(life, () => storeRun(life, record));
  } catch (error) {
    logWarning("caps_not_read", { user_id, thread_id: thread.thread_id, error: describeError(error) });
  }
}

function limitReply(record: RunRecord, size: CallSize): { tokens: number; refused: Left | null } {
  const lefts = leftUnder(accountOf(record));
  const { tokens, place } = longestReply(size, lefts);
  return { tokens, refused: tokens < leastReply(size) ? (lefts[place] ?? null) : null };
}

function refuseOwn(life: Life, record: RunRecord, left: Left, size: CallSize): Allowance {
  const cap = capOf(left);
  const { invocation_id } = record.run;
  record.spending = noteOwn(record.spending, "budget.reached", left, record.run);
  const refused = { kind: "refused" as const, error: ownReached(left, size) };
  if (record.agent.config.on_cap !== "ask") return refused;
  const short = shortUnder(accountOf(record), size);
  const proposes = proposeCaps(short, size);
  record.spending = { ...record.spending, asks: cap, proposes };
  const { interrupt_ms, clock } = life.ports;
  const expires_at = interrupt_ms === null ? null : new Date(clock.now() + interrupt_ms).toISOString();
  const asked: [ReachedCap, ...ReachedCap[]] = [cap, ...short.map(capOf)];
  const interrupt = askToRaise(invocation_id, asked, proposes, { expires_at, chinese: speaksChinese(life) });
  return { ...refused, interrupt };
}

/** The language of the run's plan, or else of what the person said last. */
function speaksChinese({ database, state, thread }: Life): boolean {
  const tasks = state.plan.tasks.map(({ content }) => content).join(" ");
  return isChinese(tasks || readLastSaid(database.sql, thread));
}

function refuseShared(
  record: RunRecord,
  holding: Extract<Holding, { kind: "away" | "refused" }>,
  least: Amount,
): RunError {
  if (holding.kind === "away") return budgetUnavailable;
  record.spending = noteShared(record.spending, "budget.reached", holding.cap, record.run);
  return sharedReached(holding.cap, holding.is_held, least);
}

function amountFor({ input_tokens, price }: CallSize, output: number): Amount {
  return { cost: price === null ? 0 : worstCost(price, input_tokens, output), tokens: input_tokens + output, ms: 0 };
}

/** Lets callers in one by one. Returns what ends a turn, or null if the signal aborts before it begins. */
function createTurns(): (signal: AbortSignal) => Promise<(() => void) | null> {
  let last: Promise<void> = Promise.resolve();
  return async (signal) => {
    const before = last;
    let end = (): void => {};
    const turn = new Promise<void>((resolve) => {
      end = resolve;
    });
    last = before.then(() => turn);
    if ((await untilAborted(before, signal)) !== null) return end;
    end();
    return null;
  };
}
