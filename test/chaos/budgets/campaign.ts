// `npm run chaos -- --budgets`: kills the runtime again and again while users spend under caps, and compares what is on
// its disk with what the model's server has counted: at each kill, at each run's end, and when all is over.
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { createRandom, pickNumber, type Random } from "../aims.ts";
import type { Memory } from "../stored.ts";
import {
  checkBudget,
  checkCap,
  checkClosed,
  checkCovered,
  checkEnded,
  checkEnds,
  checkLeased,
  checkLoop,
  checkPurged,
  checkSums,
  findLeft,
  isExact,
  sumBilled,
  type Violation,
} from "./checks.ts";
import type { BilledCall } from "./counting-model.ts";
import { keepState } from "./evidence.ts";
import { type BudgetFindings, count, noFindings } from "./findings.ts";
import { DEPLOYMENT, GUEST, openScenes, type Scene } from "./scenes.ts";
import { spend, untilDeleted } from "./spender.ts";
import { openStage, type Stage } from "./stage.ts";
import { readStored, type Stored, type StoredBudget, type StoredRun } from "./stored.ts";

export interface BudgetOptions {
  kills: number;
  seed: number;
  /** Of each scene. */
  runsAtOnce: number;
  onKill: (line: string) => void;
  /** Where the runtime's disk is kept as it was when something was found; nowhere by default. */
  keep?: string | undefined;
  signal: AbortSignal;
}

const MAX_PAUSE_MS = 600;
/** A run may wait a minute for D1, and another for what others hold. */
const END_MS = 240_000;
/** The sweep asks for leases that are open for longer than three minutes. */
const LATER_MS = 4 * 60_000;
/** A thread that D1 never had learns of its user's end with its next try, a minute after the last one at most. */
const LATE_THREAD_MS = 75_000;
/** How often it looks during the work. */
const SWEEP_SHARE = 0.3;
/**
 * How long the runtime lives, in moments: requests, words and batches, so that a slow machine has as much of them. A
 * step of all runs together takes some 2,500. Short lives end within one. A run that makes no progress in five lives
 * ends as `crash_loop`, so most lives last for several.
 */
const LIVES = { short: [1, 800], long: [2_500, 7_500] } as const;
const SHORT_SHARE = 0.3;
/** Runs may wait for D1 or for each other, and then there are no moments. */
const LIFE_MS = 10_000;

export async function runBudgetCampaign(options: BudgetOptions): Promise<BudgetFindings> {
  const random = createRandom(options.seed);
  let onMoment = () => {};
  const stage = await openStage(random, () => onMoment(), options.signal);
  try {
    const campaign = new BudgetCampaign(options, stage, random);
    onMoment = () => campaign.moment();
    return await campaign.run();
  } catch (error) {
    options.signal.throwIfAborted();
    throw new Error(`${String(error)}\nThe runtime said:\n${stage.server.output}`);
  } finally {
    await stage.close();
  }
}

class BudgetCampaign {
  readonly #options: BudgetOptions;
  readonly #stage: Stage;
  readonly #random: Random;
  readonly #findings: BudgetFindings;
  /** The scene of each run, and whether a client has seen its end. `isGone`: its thread or user was deleted. */
  readonly #runs = new Map<string, { scene: Scene; isOver: boolean; isGone: boolean; kills: number }>();
  readonly #guests: string[] = [];
  readonly #memory: Memory<StoredRun | null> = new Map();
  #momentsLeft = Number.POSITIVE_INFINITY;
  #onMoment = () => {};
  #isStopping = false;

  constructor(options: BudgetOptions, stage: Stage, random: Random) {
    this.#options = options;
    this.#stage = stage;
    this.#random = random;
    this.#findings = noFindings(stage.isCapped);
    stage.model.onMoment = () => this.moment();
  }

  /** Called at each request, word and batch: a kill waits for one of them. */
  moment(): void {
    this.#momentsLeft -= 1;
    if (this.#momentsLeft <= 0) this.#onMoment();
  }

  async run(): Promise<BudgetFindings> {
    const { kills, runsAtOnce, signal } = this.#options;
    const { server } = this.#stage;
    await server.start();
    server.open();
    const scenes = await openScenes(server, this.#stage.receiver.url);
    const slots = scenes.flatMap((scene) => Array.from({ length: runsAtOnce }, () => this.#keepWorking(scene)));
    const work = Promise.all(slots);
    const failed = work.then(() => new Promise<never>(() => {}));
    for (let number = 1; number <= kills; number++) {
      signal.throwIfAborted();
      await Promise.race([this.#killOnce(number, scenes), failed]);
    }
    this.#isStopping = true;
    this.#stage.outages.isOver = true;
    // A timer that nobody ends keeps the process for minutes after its table.
    const over = new AbortController();
    const late = wait(END_MS, undefined, { signal: AbortSignal.any([over.signal, signal]) });
    await Promise.race([work, late]).finally(() => over.abort());
    for (const [id, { isOver }] of this.#runs) if (!isOver) this.#report(id, "it does not end");
    await this.#settle(scenes);
    return this.#findings;
  }

  async #keepWorking(scene: Scene): Promise<void> {
    const { server } = this.#stage;
    for (;;) {
      await wait(this.#random() * MAX_PAUSE_MS, undefined, { signal: this.#options.signal });
      if (this.#isStopping) return;
      const id = `${scene.name}${++this.#findings.runs}`;
      const known = { scene, isOver: false, isGone: false, kills: 0 };
      this.#runs.set(id, known);
      const { end, user_id } = await spend(server, this.#random, scene, id, this.#options.signal);
      known.isGone = end === null;
      if (scene.hasGuests) this.#guests.push(user_id);
      known.isOver = true;
      const code = end?.error === null ? "" : `: ${end?.error.code}`;
      count(this.#findings.ends, end === null ? "deleted" : `${end.status}${code}`);
    }
  }

  async #killOnce(number: number, scenes: Scene[]): Promise<void> {
    const { server } = this.#stage;
    const begun = performance.now();
    const [least, most] = LIVES[this.#random() < SHORT_SHARE ? "short" : "long"];
    const late = new AbortController();
    await new Promise<void>((resolve) => {
      this.#onMoment = () => {
        this.#momentsLeft = Number.POSITIVE_INFINITY;
        server.killNow();
        resolve();
      };
      this.#momentsLeft = pickNumber(this.#random, least, most);
      wait(LIFE_MS, undefined, { signal: AbortSignal.any([late.signal, this.#options.signal]) }).then(
        () => this.#onMoment(),
        () => resolve(),
      );
    });
    late.abort();
    this.#options.signal.throwIfAborted();
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    await server.dead();
    this.#findings.kills += 1;
    for (const known of this.#runs.values()) if (!known.isOver) known.kills += 1;
    const stored = await this.#look(scenes);
    const open = [...stored.runs.values()].filter(({ reserved }) => reserved.calls > 0).length;
    const leases = stored.leases.reduce((sum, each) => sum + each.open, 0);
    this.#options.onKill(`kill ${number} after ${seconds} s · ${open} runs with a reservation · ${leases} leases open`);
    await server.start();
    server.open();
    // As if the leases of runs at work had been open for long. The next kill may end it.
    if (this.#random() < SWEEP_SHARE) server.tick(Date.now() + LATER_MS).catch(() => {});
  }

  /** Compares what is on the disk of the dead runtime. What is wrong is kept, if a place is named. */
  async #look(scenes: Scene[], checkMore: (stored: Stored) => void = () => {}): Promise<Stored> {
    const before = this.#findings.violations.length;
    const stored = await readStored(this.#stage.state, this.#memory);
    this.#check(scenes, stored);
    checkMore(stored);
    const { kills, violations } = this.#findings;
    await this.#keep(this.#isStopping ? "end" : `kill-${kills}`, violations.slice(before));
    return stored;
  }

  async #keep(name: string, found: Violation[]): Promise<void> {
    const { keep } = this.#options;
    if (keep === undefined || found.length === 0) return;
    const { state, server, model, outages } = this.#stage;
    const runs = Array.from(this.#runs, ([id, { scene, ...known }]) => ({ id, scene: scene.name, ...known }));
    const { calls } = model;
    const known = { found, runs, calls, away: outages.away, output: server.output };
    await keepState(join(keep, name), state, known);
  }

  #check(scenes: Scene[], stored: Stored): void {
    const byRun = Map.groupBy(this.#stage.model.calls, ({ run }) => run);
    const leases = Map.groupBy(stored.leases, ({ thread_id }) => thread_id);
    checkSums(stored, this.#report);
    checkPurged(stored, this.#report);
    for (const [id, { scene, isOver, isGone, kills }] of this.#runs) {
      const calls = byRun.get(id) ?? [];
      for (const leased of leases.get(id) ?? []) {
        const cap = leased.scope === "deployment" ? DEPLOYMENT : (scene.budget?.cap ?? GUEST);
        // The month of the deployment has no cap in dollars, and leases are of all their scopes alike.
        checkLeased(leased, cap, sumBilled(calls), this.#report);
      }
      const run = stored.runs.get(id);
      if (run === undefined) continue;
      run.kills = kills;
      checkLoop(run, this.#report);
      // A deleted user's run ends some time later.
      const check = isOver && !isGone ? checkEnded : checkCovered;
      check(run, sumBilled(calls), this.#report);
      checkCap(run, scene.runCap, calls, this.#report);
    }
    for (const scene of scenes) this.#checkScene(scene, stored, byRun);
    const all = sumBilled(this.#stage.model.calls);
    for (const budget of stored.budgets) {
      if (budget.scope === "deployment") checkBudget(budget, DEPLOYMENT, all, this.#report);
    }
  }

  #checkScene(scene: Scene, stored: Stored, byRun: Map<string, BilledCall[]>): void {
    if (scene.budget === null) return;
    const budget = findBudget(scene, stored);
    const calls = [...this.#runs].flatMap(([id, known]) => (known.scene === scene ? (byRun.get(id) ?? []) : []));
    if (budget !== undefined) checkBudget(budget, scene.budget.cap, sumBilled(calls), this.#report);
    else if (calls.length > 0) this.#report(scene.name, "its runs call the model, and there is no budget");
  }

  /** When all runs are over: nothing stays open, and D1's sums are those of the runs. */
  async #settle(scenes: Scene[]): Promise<void> {
    const { server, model } = this.#stage;
    // After a kill, a deletion continues when it is asked for again.
    for (const user_id of this.#guests) await untilDeleted(server, user_id, this.#options.signal);
    for (let minute = 1; minute <= 3; minute++) await server.tick(Date.now() + LATER_MS + minute * 60_000);
    server.killNow();
    await server.dead();
    if (findLeft(this.#runs, await readStored(this.#stage.state, this.#memory)).length > 0) {
      await server.start();
      await wait(LATE_THREAD_MS, undefined, { signal: this.#options.signal });
      server.killNow();
      await server.dead();
    }
    const stored = await this.#look(scenes, (last) => this.#checkLast(last));
    checkEnds(this.#findings.ends, this.#report);
    this.#findings.outages = this.#stage.outages.away.length;
    this.#findings.events = this.#stage.receiver.told.size;
    for (const { ending, isSummary } of model.calls) {
      count(this.#findings.calls, ending);
      if (isSummary) this.#findings.summaries += 1;
    }
    const billed = Map.groupBy(model.calls, ({ run }) => run);
    for (const run of stored.runs.values()) {
      const { usage } = run;
      const known = this.#runs.get(run.id);
      const calls = known?.isOver && !known.isGone ? (billed.get(run.id) ?? []) : [];
      if (calls.length > 0 && isExact(run, sumBilled(calls))) this.#findings.exact += 1;
      const { estimated } = usage;
      this.#findings.counted_tokens += usage.input_tokens + usage.output_tokens;
      this.#findings.estimated_tokens += (estimated?.input_tokens ?? 0) + (estimated?.output_tokens ?? 0);
    }
  }

  #checkLast(stored: Stored): void {
    for (const leased of stored.leases) checkClosed(leased, stored.runs.get(leased.thread_id), this.#report);
    for (const id of findLeft(this.#runs, stored)) this.#report(id, "its thread was deleted and is there");
    for (const budget of stored.budgets) {
      const { scope, id, period, open_tokens, open_micro } = budget;
      if (open_tokens !== 0 || open_micro !== 0) this.#report(`${scope}/${id}/${period}`, JSON.stringify(budget));
    }
    for (const { run } of this.#stage.model.calls) {
      if (!this.#runs.has(run)) this.#report(run, "a call of no known run");
    }
    for (const [what, ids] of this.#stage.receiver.told) {
      if (ids.size > 1) this.#report(what, `told ${ids.size} times`);
    }
  }

  readonly #report = (where: string, what: string): void => {
    this.#findings.violations.push({ where, what });
  };
}

function findBudget({ budget: of, user_id, project_id }: Scene, { budgets }: Stored): StoredBudget | undefined {
  const id = of?.scope === "project" ? `${user_id}/${project_id}` : user_id;
  // The campaign is over before its day is.
  const length = { day: "2026-11-28".length, month: "2026-11".length, all: "all".length };
  return budgets.find((each) => {
    return each.scope === of?.scope && each.id === id && each.period.length === length[of.period];
  });
}
