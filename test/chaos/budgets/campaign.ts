// `npm run chaos -- --budgets`: kills the runtime again and again while users spend under caps, and compares what is on
// its disk with what the model's server has counted: at each kill, at each run's end, and when all is over.
import { setTimeout as wait } from "node:timers/promises";
import { createRandom, pickNumber, type Random } from "../aims.ts";
import {
  checkBudget,
  checkCap,
  checkClosed,
  checkCovered,
  checkEnded,
  checkLeased,
  checkSums,
  sumBilled,
  type Violation,
} from "./checks.ts";
import type { BilledCall } from "./counting-model.ts";
import { DEPLOYMENT, GUEST, openScenes, type Scene } from "./scenes.ts";
import { spend, untilDeleted } from "./spender.ts";
import { openStage, type Stage } from "./stage.ts";
import { readStored, type Stored, type StoredBudget } from "./stored.ts";

export interface BudgetOptions {
  kills: number;
  seed: number;
  /** Of each scene. */
  runsAtOnce: number;
  onKill: (line: string) => void;
  signal: AbortSignal;
}

export interface BudgetFindings {
  kills: number;
  runs: number;
  /** How runs ended: by status and code. */
  ends: Map<string, number>;
  /** How the model's calls ended. */
  calls: Map<string, number>;
  /** Calls that asked for a summary. */
  summaries: number;
  estimated_tokens: number;
  counted_tokens: number;
  /** How often D1 was away or late. */
  outages: number;
  /** What webhooks were told of caps. */
  events: number;
  violations: Violation[];
}

const MAX_PAUSE_MS = 600;
/** A run may wait a minute for D1, and another for what others hold. */
const END_MS = 240_000;
/** The sweep asks for leases that are open for longer than three minutes. */
const LATER_MS = 4 * 60_000;
/** How often it looks during the work. */
const SWEEP_SHARE = 0.3;
/** A life of a run without progress counts against it: kills leave it this much time. */
const KILL_AFTER_MS = [300, 2_500] as const;

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
  #momentsLeft = Number.POSITIVE_INFINITY;
  #onMoment = () => {};
  #isStopping = false;

  constructor(options: BudgetOptions, stage: Stage, random: Random) {
    this.#options = options;
    this.#stage = stage;
    this.#random = random;
    this.#findings = {
      ...{ kills: 0, runs: 0, summaries: 0, estimated_tokens: 0, counted_tokens: 0, violations: [] },
      ...{ outages: 0, events: 0 },
      ...{ ends: new Map(), calls: new Map() },
    };
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
    await Promise.race([work, wait(END_MS, undefined, { signal })]);
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
      add(this.#findings.ends, end === null ? "deleted" : `${end.status}${code}`);
    }
  }

  async #killOnce(number: number, scenes: Scene[]): Promise<void> {
    const { server } = this.#stage;
    await wait(pickNumber(this.#random, ...KILL_AFTER_MS), undefined, { signal: this.#options.signal });
    const killed = new Promise<void>((resolve) => {
      this.#onMoment = () => {
        this.#momentsLeft = Number.POSITIVE_INFINITY;
        server.killNow();
        resolve();
      };
    });
    this.#momentsLeft = pickNumber(this.#random, 1, 200);
    const late = wait(2_000).then(() => this.#onMoment());
    await killed;
    await late;
    await server.dead();
    this.#findings.kills += 1;
    for (const known of this.#runs.values()) if (!known.isOver) known.kills += 1;
    const stored = await this.#look(scenes);
    const open = [...stored.runs.values()].filter(({ reserved }) => reserved.calls > 0).length;
    const leases = stored.leases.reduce((sum, each) => sum + each.open, 0);
    this.#options.onKill(`kill ${number} · ${open} runs with a reservation · ${leases} leases open`);
    await server.start();
    server.open();
    // As if the leases of runs at work had been open for long. The next kill may end it.
    if (this.#random() < SWEEP_SHARE) server.tick(Date.now() + LATER_MS).catch(() => {});
  }

  async #look(scenes: Scene[]): Promise<Stored> {
    const stored = await readStored(this.#stage.state);
    const byRun = Map.groupBy(this.#stage.model.calls, ({ run }) => run);
    const leases = Map.groupBy(stored.leases, ({ thread_id }) => thread_id);
    checkSums(stored, this.#report);
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
    return stored;
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
    // After a kill, a deletion goes on when it is asked for again.
    for (const user_id of this.#guests) await untilDeleted(server, user_id, this.#options.signal);
    for (let minute = 1; minute <= 3; minute++) await server.tick(Date.now() + LATER_MS + minute * 60_000);
    server.killNow();
    await server.dead();
    const stored = await this.#look(scenes);
    for (const leased of stored.leases) checkClosed(leased, stored.runs.get(leased.thread_id), this.#report);
    for (const [id, { scene, isOver, isGone }] of this.#runs) {
      if (isOver && isGone && !scene.hasGuests && stored.runs.has(id))
        this.#report(id, "its thread was deleted and is there");
    }
    for (const budget of stored.budgets) {
      const { scope, id, period, open_tokens, open_micro } = budget;
      if (open_tokens !== 0 || open_micro !== 0) this.#report(`${scope}/${id}/${period}`, JSON.stringify(budget));
    }
    for (const { run } of model.calls) if (!this.#runs.has(run)) this.#report(run, "a call of no known run");
    for (const [what, ids] of this.#stage.receiver.told) {
      if (ids.size > 1) this.#report(what, `told ${ids.size} times`);
    }
    this.#findings.outages = this.#stage.outages.count;
    this.#findings.events = this.#stage.receiver.told.size;
    for (const { ending, isSummary } of model.calls) {
      add(this.#findings.calls, ending);
      if (isSummary) this.#findings.summaries += 1;
    }
    for (const { usage } of stored.runs.values()) {
      const { estimated } = usage;
      this.#findings.counted_tokens += usage.input_tokens + usage.output_tokens;
      this.#findings.estimated_tokens += (estimated?.input_tokens ?? 0) + (estimated?.output_tokens ?? 0);
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

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

export function formatBudgetFindings(findings: BudgetFindings): string {
  const { kills, runs, ends, calls, counted_tokens, estimated_tokens, violations } = findings;
  const list = (counts: Map<string, number>) => Array.from(counts, ([name, count]) => `${name} ${count}`).join(", ");
  const rows: [string, string | number][] = [
    ["kills", kills],
    ["runs", runs],
    ["ends", list(ends)],
    ["calls of the model", `${list(calls)}; ${findings.summaries} for summaries`],
    ["tokens charged, estimated among them", `${counted_tokens}, ${estimated_tokens}`],
    ["D1 away or late, events of caps", `${findings.outages}, ${findings.events}`],
    ["violations", violations.length],
  ];
  const table = ["| | |", "|---|---|", ...rows.map(([name, value]) => `| ${name} | ${value} |`)];
  return [...table, ...violations.map(({ where, what }) => `${where}: ${what}`)].join("\n");
}
