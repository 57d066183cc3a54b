// What must hold at every moment, in tokens and in money: what was charged and what is reserved is never less than what
// the model's server has counted, and never above the caps by more than what a count may be off.
import type { BilledCall } from "./counting-model.ts";
import type { LeasedThread, Stored, StoredBudget, StoredRun } from "./stored.ts";

/** For a million tokens. All models of the stage cost the same, so that a run's cost follows from its tokens. */
export const PRICE = { input: 2, output: 8 };

export interface Violation {
  where: string;
  what: string;
}

type Report = (where: string, what: string) => void;

/** In millionths of a dollar, which are whole numbers at these prices. */
function microCost(input: number, output: number): number {
  return input * PRICE.input + output * PRICE.output;
}

export interface Billed {
  input: number;
  output: number;
  tokens: number;
  micro: number;
  /** Whether every call was refused, or counted to its end. */
  isExact: boolean;
}

export function sumBilled(calls: BilledCall[]): Billed {
  const sum = { input: 0, output: 0, tokens: 0, micro: 0, isExact: true };
  for (const { input, output, ending } of calls) {
    sum.input += input;
    sum.output += output;
    sum.tokens += input + output;
    sum.micro += microCost(input, output);
    if (ending !== "counted" && ending !== "refused") sum.isExact = false;
  }
  return sum;
}

/** At a kill: the run as it is on disk against what the server has counted up to the same moment. */
export function checkCovered(run: StoredRun, billed: Billed, report: Report): void {
  const { usage, reserved } = run;
  const tokens = usage.input_tokens + usage.output_tokens + reserved.tokens;
  if (tokens < billed.tokens) report(run.id, `${tokens} tokens charged and reserved, ${billed.tokens} counted`);
  const micro = Math.round((usage.cost_usd ?? 0) * 1e6) + reserved.micro;
  if (micro < billed.micro) report(run.id, `${micro} µ$ charged and reserved, ${billed.micro} counted`);
}

/** Of a run that has ended. */
export function checkEnded(run: StoredRun, billed: Billed, report: Report): void {
  checkCovered(run, billed, report);
  if (run.reserved.calls > 0) report(run.id, `${run.reserved.calls} reservations are open after its end`);
  const { input_tokens, output_tokens, cost_usd, estimated } = run.usage;
  // What is not estimated was counted by the server.
  const counted = input_tokens + output_tokens - (estimated?.input_tokens ?? 0) - (estimated?.output_tokens ?? 0);
  if (counted > billed.tokens) report(run.id, `${counted} tokens charged as counted, ${billed.tokens} were`);
  if (billed.isExact && run.kills === 0 && estimated !== undefined)
    report(run.id, `estimated, although each call was counted: ${JSON.stringify(estimated)}`);
  if (!isExact(run, billed)) return;
  if (input_tokens !== billed.input || output_tokens !== billed.output)
    report(run.id, `${input_tokens} + ${output_tokens} tokens charged, ${billed.input} + ${billed.output} counted`);
  if (Math.round((cost_usd ?? 0) * 1e6) !== billed.micro)
    report(run.id, `$${cost_usd} charged, ${billed.micro} µ$ counted`);
}

/**
 * Whether nothing was cut: then what is charged is exactly what the server has counted, however often a kill met it.
 */
export function isExact({ usage }: StoredRun, billed: Billed): boolean {
  return billed.isExact && usage.estimated === undefined;
}

export interface CapOf {
  tokens?: number;
  usd?: number;
}

/** What a provider may count above the largest count that was planned for, for each call under way. */
const COUNTING_ERROR = 1.1;

export function checkCap(run: StoredRun, cap: CapOf, calls: BilledCall[], report: Report): void {
  const open = calls.filter(({ ending }) => ending === "open").length + 1;
  const largest = Math.max(0, ...calls.map(({ input }) => input)) * (COUNTING_ERROR - 1) * open;
  // What is reserved must fit, too.
  const tokens = run.usage.input_tokens + run.usage.output_tokens + run.reserved.tokens;
  if (cap.tokens !== undefined && tokens > cap.tokens + largest)
    report(run.id, `${tokens} tokens under a cap of ${cap.tokens}`);
  const usd = (run.usage.cost_usd ?? 0) + run.reserved.micro / 1e6;
  const error = microCost(largest, 0) / 1e6;
  if (cap.usd !== undefined && usd > cap.usd + error) report(run.id, `$${usd} under a cap of $${cap.usd}`);
}

/** A budget of D1 against what its runs were billed: `billed` of runs that count for it. */
export function checkBudget(budget: StoredBudget, cap: CapOf, billed: Billed, report: Report): void {
  const name = `${budget.scope}/${budget.id}/${budget.period}`;
  // Nothing is leased of what has no cap.
  if (cap.tokens !== undefined && budget.tokens < billed.tokens)
    report(name, `${budget.tokens} tokens granted, ${billed.tokens} counted`);
  if (cap.usd !== undefined && budget.micro < billed.micro)
    report(name, `${budget.micro} µ$ granted, ${billed.micro} counted`);
  if (cap.tokens !== undefined && budget.tokens > cap.tokens)
    report(name, `${budget.tokens} tokens granted of ${cap.tokens}`);
  if (cap.usd !== undefined && budget.micro > Math.round(cap.usd * 1e6))
    report(name, `${budget.micro} µ$ granted of $${cap.usd}`);
}

/** What a thread was granted of a budget covers what its calls were billed, also if the thread is gone. */
export function checkLeased(leased: LeasedThread, cap: CapOf, billed: Billed, report: Report): void {
  const name = `${leased.thread_id} ${leased.scope}/${leased.period}`;
  if (cap.tokens !== undefined && leased.tokens < billed.tokens)
    report(name, `${leased.tokens} tokens leased, ${billed.tokens} counted`);
  if (cap.usd !== undefined && leased.micro < billed.micro)
    report(name, `${leased.micro} µ$ leased, ${billed.micro} counted`);
}

/** When all is over: no lease is open, and those of a thread say what its runs have used. */
export function checkClosed(leased: LeasedThread, run: StoredRun | undefined, report: Report): void {
  const name = `${leased.thread_id} ${leased.scope}/${leased.period}`;
  if (leased.open > 0) report(name, `${leased.open} leases are open`);
  if (run === undefined) return;
  const { input_tokens, output_tokens, cost_usd } = run.usage;
  const tokens = input_tokens + output_tokens;
  if (leased.tokens !== tokens) report(name, `${leased.tokens} tokens in leases, its runs have ${tokens}`);
  const micro = Math.round((cost_usd ?? 0) * 1e6);
  if (leased.micro !== micro) report(name, `${leased.micro} µ$ in leases, its runs have ${micro}`);
}

/** As the server counts lives (docs/architecture.md). */
const MAX_LIVES = 6;

/** A run ends as `crash_loop` if its last lives stored nothing, and no run outlives many of these. */
export function checkLoop({ id, last: { isLoop, lives, progress } }: StoredRun, report: Report): void {
  const idle = lives.filter((at) => at >= progress).length;
  if (isLoop && idle < MAX_LIVES) report(id, `a crash loop after ${idle} lives without progress`);
  if (lives.length > MAX_LIVES + 1) report(id, `${lives.length} lives without progress, and it goes on`);
}

/**
 * Each budget is the sum of its leases; those of deleted users are gone, and the deployment's keeps what they spent.
 */
export function checkSums({ budgets, leases }: Stored, report: Report): void {
  for (const { scope, id, period, tokens, micro, open_tokens } of budgets) {
    const own = leases.filter((each) => each.scope === scope && each.id === id && each.period === period);
    const sum = own.reduce((all, each) => ({ tokens: all.tokens + each.tokens, micro: all.micro + each.micro }), {
      ...{ tokens: 0, micro: 0 },
    });
    const name = `${scope}/${id}/${period}`;
    const isLess = tokens < sum.tokens || micro < sum.micro;
    const differs = scope !== "deployment" && (tokens !== sum.tokens || micro !== sum.micro);
    if (isLess || differs) report(name, `${tokens} tokens, ${micro} µ$, and its leases have ${JSON.stringify(sum)}`);
    if (open_tokens < 0) report(name, `${open_tokens} tokens are open`);
  }
}

/**
 * Of an emptied account nothing is left, and nothing begins anew, though a thread may continue that D1 did not know.
 */
export function checkPurged({ purged, budgets, leases }: Stored, report: Report): void {
  for (const { user_id, thread_id, scope } of leases) {
    if (purged.has(user_id)) report(`${thread_id} ${scope}`, "a deleted user has leases");
  }
  for (const { scope, id, period } of budgets) {
    const [owner = ""] = id.split("/");
    if (purged.has(owner)) report(`${scope}/${id}/${period}`, "a deleted user has a budget");
  }
}

/** Runs whose threads were deleted and are there. */
export function findLeft(known: ReadonlyMap<string, { isOver: boolean; isGone: boolean }>, { runs }: Stored): string[] {
  return Array.from(known).flatMap(([id, { isOver, isGone }]) => (isOver && isGone && runs.has(id) ? [id] : []));
}

/** Fewer prove little. */
const MANY_ENDS = 20;
const LOOP = "failed: crash_loop";

/** Runs that only die prove little: at least half of those that nobody deleted have to come to an end of their own. */
export function checkEnds(ends: ReadonlyMap<string, number>, report: Report): void {
  const own = Array.from(ends).filter(([end]) => end !== "deleted");
  const all = own.reduce((sum, [, count]) => sum + count, 0);
  const loops = ends.get(LOOP) ?? 0;
  if (all >= MANY_ENDS && loops * 2 > all) report("the campaign", `${loops} of ${all} runs ended in a crash loop`);
  if (all >= MANY_ENDS && !ends.has("completed")) report("the campaign", "no run completed");
}
