// Kills, one after another, under runs that go on: wait for a moment, kill, look at what is left on disk, start again, see
// who goes on. A run that has ended is followed by a new one, until there were enough kills; then all must come to their end.
import { setTimeout as wait } from "node:timers/promises";
import { type Aim, aimAtAnyMoment, aimAtRarest, createRandom, type Random } from "./aims.ts";
import { checkStored, type Violation } from "./checks.ts";
import { findPhases, type Met } from "./phases.ts";
import { Sights } from "./sights.ts";
import { openStage, type Stage } from "./stage.ts";
import { Disk, threadOf } from "./stored.ts";
import { finishWork, readTraces, startWork, type Work } from "./work.ts";

export interface CampaignOptions {
  kills: number;
  seed: number;
  runsAtOnce: number;
  /** The share of runs that start in the background. */
  background: number;
  /** The share of kills that wait for no phase. */
  anyMoment: number;
  /** How often each phase is aimed at before any moment will do. */
  enough: number;
  /** The share of kills that come while the runs are still being taken up. */
  hasty: number;
  /** The share of kills after which readers come back late, when the runs are at work again and say new things. */
  late: number;
  /** After every so many kills nobody comes back before the runs have woken by themselves; 0 for never. */
  quietEvery: number;
  onKill: (kill: Kill) => void;
  signal: AbortSignal;
}

export interface Kill {
  number: number;
  aim: Aim["name"];
  /** What it met, by run. */
  hits: { run: string; phases: Met[] }[];
  /** Until the new process was healthy. */
  up_ms: number;
  /** From there until each run told its reader something new; until its first request, where nobody asked for it. */
  news_ms: number[];
  quiet: boolean;
}

export interface Findings {
  kills: Kill[];
  runs: number;
  mostKills: number;
  connections: number;
  resyncs: number;
  violations: Violation[];
}

/** A run that lost so many lives without progress must make some: one more is allowed, the next ends it by design. */
const MOST_IDLE_LIVES = 4;
const NEWS_MS = 20_000;
/** Where nobody asks, the alarm is due within 30 s. */
const WAKING_MS = 45_000;
const END_MS = 90_000;
const HASTY_MS = 120;
const LONGEST_LATE_MS = 1_200;
const LONGEST_PAUSE_MS = 2_000;

export async function runCampaign(options: CampaignOptions): Promise<Findings> {
  let stage: Stage | null = null;
  const sights = new Sights(() => stage?.server.killNow());
  stage = await openStage(sights.watch, options.signal);
  // Whatever is waited for: nothing comes any more.
  options.signal.addEventListener("abort", () => sights.strike());
  try {
    return await new Campaign(options, stage, sights).run();
  } catch (error) {
    options.signal.throwIfAborted();
    throw new Error(`${String(error)}\nThe runtime said:\n${stage.server.output}`);
  } finally {
    await stage.close();
  }
}

class Campaign {
  readonly #options: CampaignOptions;
  readonly #random: Random;
  readonly #stage: Stage;
  readonly #sights: Sights;
  readonly #disk: Disk;
  readonly #findings: Findings = { kills: [], runs: 0, mostKills: 0, connections: 0, resyncs: 0, violations: [] };
  readonly #hits = new Map<Met, number>();
  /** Runs whose last check is still to come. */
  readonly #works = new Map<string, Work>();
  #isStopping = false;

  constructor(options: CampaignOptions, stage: Stage, sights: Sights) {
    this.#options = options;
    this.#random = createRandom(options.seed);
    this.#stage = stage;
    this.#sights = sights;
    this.#disk = new Disk(stage.state);
  }

  async run(): Promise<Findings> {
    const { kills, runsAtOnce, signal } = this.#options;
    await this.#stage.server.start();
    this.#open();
    const slots = Promise.all(Array.from({ length: runsAtOnce }, () => this.#keepWorking()));
    const failed = slots.then(() => new Promise<never>(() => {}));
    for (let number = 1; number <= kills; number++) {
      signal.throwIfAborted();
      await Promise.race([this.#killOnce(number), failed]);
    }
    this.#isStopping = true;
    const left = (): Work[] => [...this.#works.values()].filter(({ told }) => !told);
    await within(slots, END_MS, () => `no end of ${left().map(({ name }) => name)}`);
    this.#sights.strike();
    await this.#stage.server.dead();
    await this.#look();
    return this.#findings;
  }

  /** One run after another, with pauses between them, so that a kill meets those at work in different phases. */
  async #keepWorking(): Promise<void> {
    for (;;) {
      await wait(this.#random() * LONGEST_PAUSE_MS, undefined, { signal: this.#options.signal });
      if (this.#isStopping) return;
      this.#findings.runs += 1;
      const name = `k${this.#findings.runs}`;
      const background = this.#random() < this.#options.background;
      const work = await startWork(this.#stage.server, name, background, this.#options.signal);
      this.#works.set(name, work);
      await finishWork(this.#stage.server, work, (kind, what) => this.#report(kind, name, what));
      work.told = true;
    }
  }

  async #killOnce(number: number): Promise<void> {
    const { quietEvery, hasty, late } = this.#options;
    const quiet = quietEvery > 0 && number % quietEvery === 0;
    await this.#untilSafe();
    const aim = this.#chooseAim();
    await this.#strike(aim);
    await this.#stage.server.dead();
    const { hits, active } = await this.#look();
    const kill: Kill = { number, aim: aim.name, hits, up_ms: 0, news_ms: [], quiet };
    this.#findings.kills.push(kill);
    const news = quiet ? null : active.map(({ work, newest }) => work.watcher.expectNews(newest));
    kill.up_ms = await this.#stage.server.start();
    const healthy = performance.now();
    if (news === null)
      await this.#untilAwake(
        kill,
        active.map(({ work }) => work.name),
        healthy,
      );
    const isLate = !quiet && this.#random() < late;
    if (isLate) await this.#wake(active.map(({ work }) => work));
    this.#open();
    const isHasty = this.#random() < hasty;
    if (news !== null && isHasty) await wait(this.#random() * HASTY_MS);
    if (news !== null && !isHasty) await this.#untilNews(kill, news, healthy);
    if (isLate) kill.news_ms = [];
    this.#options.onKill(kill);
  }

  /** Somebody else asks for the runs, so that they go on unwatched for a while. */
  async #wake(works: Work[]): Promise<void> {
    this.#sights.open();
    this.#stage.server.openDoor();
    const { server } = this.#stage;
    await Promise.all(works.map(({ name }) => server.json("GET", `/v1/threads/${name}/runs/${name}`)));
    await wait(this.#random() * LONGEST_LATE_MS, undefined, { signal: this.#options.signal });
  }

  #open(): void {
    this.#sights.open();
    this.#stage.server.open();
  }

  #chooseAim(): Aim {
    const { anyMoment, enough } = this.#options;
    return this.#random() < anyMoment ? aimAtAnyMoment(this.#random) : aimAtRarest(this.#hits, enough, this.#random);
  }

  async #strike({ fits, within_ms }: Aim): Promise<void> {
    const late = new AbortController();
    const timer = wait(within_ms, undefined, { signal: late.signal }).then(
      () => this.#sights.strike(),
      () => {},
    );
    await this.#sights.strikeAt(fits);
    late.abort();
    await timer;
  }

  /** What the kill met; and the last check of what is over. */
  async #look(): Promise<{ hits: Kill["hits"]; active: { work: Work; newest: number }[] }> {
    const works = [...this.#works.values()];
    const { objects, database } = await this.#disk.read(works.map(({ name }) => name));
    const hits: Kill["hits"] = [];
    const active: { work: Work; newest: number }[] = [];
    for (const work of works) {
      const [object, rows] = [threadOf(objects, work.name), threadOf(database, work.name)];
      const { sandbox, counters } = await readTraces(this.#stage.sandboxes, work.name);
      if (work.told) {
        checkStored(object, rows, counters, (kind, what) => this.#report(kind, work.name, what));
        await this.#settle(work, sandbox);
        continue;
      }
      const found = findPhases(object, rows, {
        call: this.#sights.calls.get(work.name),
        commandsBegun: counters.filter((text) => text !== null).length,
        writes: (this.#sights.writes.get(work.name) ?? 0) > 0,
      });
      work.left = object.run;
      if (found.length === 0) continue;
      for (const phase of found) this.#hits.set(phase, (this.#hits.get(phase) ?? 0) + 1);
      hits.push({ run: work.name, phases: found });
      // Nothing is due from a run whose turn has not come.
      if (!found.includes("queued")) active.push({ work, newest: object.newest });
      work.kills += 1;
      work.isStuck = (object.run?.lives ?? 0) >= MOST_IDLE_LIVES;
    }
    return { hits, active };
  }

  async #settle(work: Work, sandbox: string | null): Promise<void> {
    this.#works.delete(work.name);
    this.#findings.mostKills = Math.max(this.#findings.mostKills, work.kills);
    this.#findings.connections += work.watcher.connections;
    this.#findings.resyncs += work.watcher.resyncs;
    if (sandbox !== null) await this.#stage.removeSandbox(sandbox);
  }

  /** A run that lost many lives in one place is let go on to its next model call before it loses another. */
  async #untilSafe(): Promise<void> {
    const stuck = new Set([...this.#works.values()].filter((work) => work.isStuck && !work.told));
    if (stuck.size === 0) return;
    const moved = new Promise<void>((resolve) => {
      const leave = (run: string): void => {
        const work = this.#works.get(run);
        if (work === undefined || !stuck.delete(work)) return;
        work.isStuck = false;
        if (stuck.size === 0) resolve();
      };
      const called = new Set<string>();
      this.#sights.onRequest = (moment) => {
        // The first call may be the one that was interrupted; the second comes after its message.
        if (moment.kind === "write_done" && moment.ends) leave(moment.run);
        if (moment.kind !== "model_called") return;
        const call = `${moment.run} ${moment.step}`;
        if ([...called].some((each) => each.startsWith(`${moment.run} `) && each !== call)) leave(moment.run);
        called.add(call);
      };
    });
    await within(moved, END_MS, () => "a run makes no progress");
    this.#sights.onRequest = () => {};
  }

  async #untilNews(kill: Kill, news: Promise<number>[], healthy: number): Promise<void> {
    const all = news.map((each) => each.then((at) => kill.news_ms.push(at - healthy)));
    await within(Promise.all(all), NEWS_MS, () => "").catch(() => {
      const runs = kill.hits.map(({ run }) => run).join(" or ");
      this.#report("wrong", runs, `no news within ${NEWS_MS} ms of kill ${kill.number}`);
    });
  }

  /** Until each of these runs has asked for something, though nobody asked for it. */
  async #untilAwake(kill: Kill, runs: string[], healthy: number): Promise<void> {
    this.#sights.open();
    const asleep = new Set(runs);
    const awake = new Promise<void>((resolve) => {
      this.#sights.onRequest = ({ run }) => {
        if (asleep.delete(run)) kill.news_ms.push(performance.now() - healthy);
        if (asleep.size === 0) resolve();
      };
      if (asleep.size === 0) resolve();
    });
    await within(awake, WAKING_MS, () => "").catch(() => {
      for (const run of asleep)
        this.#report("wrong", run, `it did not wake within ${WAKING_MS} ms of kill ${kill.number}`);
    });
    this.#sights.onRequest = () => {};
  }

  #report(kind: Violation["kind"], run: string, what: string): void {
    this.#findings.violations.push({ kind, run, what });
  }
}

async function within<T>(promise: Promise<T>, ms: number, describe: () => string): Promise<T> {
  const over = new AbortController();
  const late = wait(ms, undefined, { signal: over.signal }).then(() => {
    throw new Error(`after ${ms} ms: ${describe()}`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    over.abort();
    late.catch(() => {});
  }
}
