// `npm run chaos -- --budgets`: kills the runtime again and again while users spend under caps, and compares what is on
// its disk with what the model's server has counted: at each kill, at each run's end, and when all is over.
import { setTimeout as wait } from "node:timers/promises";
import type { Run } from "../../../src/protocol/run.ts";
import { createRandom, pickNumber, type Random } from "../aims.ts";
import { type Billed, checkBudget, checkCap, checkCovered, checkEnded, sumBilled, type Violation } from "./checks.ts";
import type { BilledCall } from "./counting-model.ts";
import { openScenes, type Scene } from "./scenes.ts";
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
  violations: Violation[];
}

const MAX_PAUSE_MS = 600;
const POLL_MS = 150;
const END_MS = 120_000;
/** The sweep asks for leases that are open for longer than three minutes. */
const LATER_MS = 4 * 60_000;
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
  /** The scene of each run, and whether a client has seen its end. */
  readonly #runs = new Map<string, { scene: Scene; isOver: boolean; kills: number }>();
  #momentsLeft = Number.POSITIVE_INFINITY;
  #onMoment = () => {};
  #isStopping = false;

  constructor(options: BudgetOptions, stage: Stage, random: Random) {
    this.#options = options;
    this.#stage = stage;
    this.#random = random;
    this.#findings = {
      ...{ kills: 0, runs: 0, summaries: 0, estimated_tokens: 0, counted_tokens: 0, violations: [] },
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
    const scenes = await openScenes(server);
    const slots = scenes.flatMap((scene) => Array.from({ length: runsAtOnce }, () => this.#keepWorking(scene)));
    const work = Promise.all(slots);
    const failed = work.then(() => new Promise<never>(() => {}));
    for (let number = 1; number <= kills; number++) {
      signal.throwIfAborted();
      await Promise.race([this.#killOnce(number, scenes), failed]);
    }
    this.#isStopping = true;
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
      this.#runs.set(id, { scene, isOver: false, kills: 0 });
      const project = scene.project_id === null ? {} : { project_id: scene.project_id };
      await server.json("POST", "/v1/threads", { thread_id: id, ...project }, scene.key).catch(ignoreRepeat);
      const message = `budget ${id}: please do the whole work.`;
      const body = { message, message_id: `${id}-said`, invocation_id: id, ...scene.body };
      await server.json("POST", `/v1/threads/${id}/runs`, body, scene.key);
      await this.#untilEnd(id, scene);
    }
  }

  async #untilEnd(id: string, { key }: Scene): Promise<void> {
    for (;;) {
      const run = await this.#stage.server.json<Run>("GET", `/v1/threads/${id}/runs/${id}`, undefined, key);
      if (run.status !== "running" && run.status !== "queued") {
        add(this.#findings.ends, run.error === null ? run.status : `${run.status}: ${run.error.code}`);
        const known = this.#runs.get(id);
        if (known) known.isOver = true;
        return;
      }
      await wait(POLL_MS, undefined, { signal: this.#options.signal });
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
    this.#options.onKill(`kill ${number} · ${open} runs with a reservation · ${stored.openLeases.length} leases open`);
    await server.start();
    server.open();
  }

  async #look(scenes: Scene[]): Promise<Stored> {
    const stored = await readStored(this.#stage.state);
    const byRun = Map.groupBy(this.#stage.model.calls, ({ run }) => run);
    for (const [id, { scene, isOver, kills }] of this.#runs) {
      const run = stored.runs.get(id);
      if (run === undefined) continue;
      run.kills = kills;
      const calls = byRun.get(id) ?? [];
      const check = isOver ? checkEnded : checkCovered;
      check(run, sumBilled(calls), this.#report);
      checkCap(run, scene.runCap, calls, this.#report);
    }
    for (const scene of scenes) this.#checkScene(scene, stored, byRun);
    return stored;
  }

  #checkScene(scene: Scene, stored: Stored, byRun: Map<string, BilledCall[]>): void {
    const budget = findBudget(scene, stored);
    if (scene.budget === null || budget === undefined) return;
    const calls = [...this.#runs].flatMap(([id, known]) => (known.scene === scene ? (byRun.get(id) ?? []) : []));
    checkBudget(budget, scene.budget.cap, sumBilled(calls), this.#report);
  }

  /** When all runs are over: nothing stays open, and D1's sums are those of the runs. */
  async #settle(scenes: Scene[]): Promise<void> {
    const { server, model } = this.#stage;
    for (let minute = 1; minute <= 3; minute++) await server.tick(Date.now() + LATER_MS + minute * 60_000);
    server.killNow();
    await server.dead();
    const stored = await this.#look(scenes);
    for (const lease of stored.openLeases) this.#report(lease, "the lease is still open");
    for (const scene of scenes) this.#checkSum(scene, stored);
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

  #checkSum(scene: Scene, stored: Stored): void {
    const budget = findBudget(scene, stored);
    if (scene.budget === null || budget === undefined) return;
    const name = `${budget.scope}/${budget.period}`;
    if (budget.open_tokens !== 0 || budget.open_micro !== 0) this.#report(name, `open: ${JSON.stringify(budget)}`);
    const spent = { tokens: 0, micro: 0 } satisfies Partial<Billed>;
    for (const [id, known] of this.#runs) {
      const usage = known.scene === scene ? stored.runs.get(id)?.usage : undefined;
      spent.tokens += (usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0);
      spent.micro += Math.round((usage?.cost_usd ?? 0) * 1e6);
    }
    if (budget.tokens !== spent.tokens) this.#report(name, `${budget.tokens} tokens, its runs have ${spent.tokens}`);
    if (budget.micro !== spent.micro) this.#report(name, `${budget.micro} µ$, its runs have ${spent.micro}`);
  }

  readonly #report = (where: string, what: string): void => {
    this.#findings.violations.push({ where, what });
  };
}

/** The day's: the campaign is over before the month is. */
function findBudget(scene: Scene, { budgets }: Stored): StoredBudget | undefined {
  const id = scene.budget?.scope === "project" ? `${scene.user_id}/${scene.project_id}` : scene.user_id;
  return budgets.find((budget) => budget.scope === scene.budget?.scope && budget.id === id);
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** The first answer may have been lost with the process that gave it. */
function ignoreRepeat(error: unknown): void {
  if (!String(error).includes(" 409 ")) throw error;
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
    ["violations", violations.length],
  ];
  const table = ["| | |", "|---|---|", ...rows.map(([name, value]) => `| ${name} | ${value} |`)];
  return [...table, ...violations.map(({ where, what }) => `${where}: ${what}`)].join("\n");
}
