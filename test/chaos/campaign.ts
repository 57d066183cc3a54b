// Kills the runtime again and again under running runs: waits for a moment, kills, reads what is on disk, starts again,
// and checks that the runs continue. A new run follows each one that has ended. After enough kills, all runs must end.
import { setTimeout as wait } from "node:timers/promises";
import type { ChatRequest } from "../../dev/model/wire.ts";
import { type Aim, aimAtAnyMoment, aimAtRarest, createRandom, type Random } from "./aims.ts";
import { checkStored, type Violation } from "./checks.ts";
import { Observer } from "./observer.ts";
import { findPhases, type Met, phases } from "./phases.ts";
import { guardCommands } from "./proxy.ts";
import { replyTo } from "./script.ts";
import { openStage, type Stage } from "./stage.ts";
import { Disk, threadOf } from "./stored.ts";
import { within } from "./within.ts";
import { finishWork, readTraces, startWork, type Work } from "./work.ts";

export interface CampaignOptions {
  /** At most so many. */
  kills: number;
  seed: number;
  runsAtOnce: number;
  /** The share of runs that start in the background. */
  background: number;
  /** The share of kills that wait for no phase. */
  anyMoment: number;
  /** Ends earlier, once every phase was met so often. */
  enough: number;
  /** The share of kills that come while the runs are still being resumed. */
  hasty: number;
  /** The share of kills after which readers come back late, when the resumed runs already send new events. */
  late: number;
  /** After every so many kills, no client comes back before the runs have woken by themselves; 0 for never. */
  quietEvery: number;
  onKill: (kill: Kill) => void;
  signal: AbortSignal;
}

export interface Kill {
  number: number;
  aim: Aim["name"];
  /** The phases that it met, by run. */
  hits: { run: string; phases: Met[] }[];
  /** Until the new process was healthy. */
  up_ms: number;
  /** From there until each run's first new event; after a quiet kill, until its first request. */
  first_event_ms: number[];
  quiet: boolean;
}

export interface Findings {
  kills: Kill[];
  runs: number;
  maxKillsPerRun: number;
  connections: number;
  resyncs: number;
  violations: Violation[];
}

/** A run that lost so many lives must make progress: it survives one more kill, and the next ends it by design. */
const MAX_IDLE_LIVES = 4;
const FIRST_EVENT_MS = 20_000;
/** Without any request, the alarm is due within 30 s. */
const WAKING_MS = 45_000;
const END_MS = 90_000;
const HASTY_MS = 120;
const MAX_LATE_MS = 1_200;
const MAX_PAUSE_MS = 2_000;

export async function runCampaign(options: CampaignOptions): Promise<Findings> {
  let stage: Stage | null = null;
  const observer = new Observer(() => stage?.server.killNow());
  const { watch } = observer;
  const play = { watch, guard: guardCommands(watch), reply: (request: ChatRequest) => replyTo(request, watch) };
  stage = await openStage(play, options.signal);
  // Ends whatever is being waited for, since no further moment comes.
  options.signal.addEventListener("abort", () => observer.kill());
  try {
    return await new Campaign(options, stage, observer).run();
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
  readonly #observer: Observer;
  readonly #disk: Disk;
  readonly #findings: Findings = { kills: [], runs: 0, maxKillsPerRun: 0, connections: 0, resyncs: 0, violations: [] };
  readonly #hits = new Map<Met, number>();
  /** Runs whose last check is still to come. */
  readonly #works = new Map<string, Work>();
  #isStopping = false;

  constructor(options: CampaignOptions, stage: Stage, observer: Observer) {
    this.#options = options;
    this.#random = createRandom(options.seed);
    this.#stage = stage;
    this.#observer = observer;
    this.#disk = new Disk(stage.state);
  }

  async run(): Promise<Findings> {
    const { kills, runsAtOnce, signal } = this.#options;
    await this.#stage.server.start();
    this.#open();
    const slots = Promise.all(Array.from({ length: runsAtOnce }, () => this.#keepWorking()));
    const failed = slots.then(() => new Promise<never>(() => {}));
    for (let number = 1; number <= kills && !this.#hasMetAll(); number++) {
      signal.throwIfAborted();
      await Promise.race([this.#killOnce(number), failed]);
    }
    this.#isStopping = true;
    const left = (): Work[] => [...this.#works.values()].filter(({ isChecked }) => !isChecked);
    await within(slots, END_MS, () => `no end of ${left().map(({ name }) => name)}`);
    this.#observer.kill();
    await this.#stage.server.dead();
    await this.#look();
    return this.#findings;
  }

  #hasMetAll(): boolean {
    return phases.every((phase) => (this.#hits.get(phase) ?? 0) >= this.#options.enough);
  }

  /** Starts one run after another, with pauses, so that a kill meets the runs in different phases. */
  async #keepWorking(): Promise<void> {
    for (;;) {
      await wait(this.#random() * MAX_PAUSE_MS, undefined, { signal: this.#options.signal });
      if (this.#isStopping) return;
      this.#findings.runs += 1;
      const name = `k${this.#findings.runs}`;
      const background = this.#random() < this.#options.background;
      const work = await startWork(this.#stage.server, name, background, this.#options.signal);
      this.#works.set(name, work);
      await finishWork(this.#stage.server, work, (kind, what) => this.#report(kind, name, what));
      work.isChecked = true;
    }
  }

  async #killOnce(number: number): Promise<void> {
    const { quietEvery, hasty, late } = this.#options;
    const quiet = quietEvery > 0 && number % quietEvery === 0;
    await this.#untilSafe();
    const aim = this.#chooseAim();
    await this.#killAt(aim);
    await this.#stage.server.dead();
    const { hits, active } = await this.#look();
    const kill: Kill = { number, aim: aim.name, hits, up_ms: 0, first_event_ms: [], quiet };
    this.#findings.kills.push(kill);
    const firstEvents = quiet ? null : active.map(({ work, newest }) => work.watcher.expectNewEvent(newest));
    kill.up_ms = await this.#stage.server.start();
    const healthy = performance.now();
    if (firstEvents === null)
      await this.#untilAwake(
        kill,
        active.map(({ work }) => work.name),
        healthy,
      );
    const isLate = !quiet && this.#random() < late;
    if (isLate) await this.#wake(active.map(({ work }) => work));
    this.#open();
    const isHasty = this.#random() < hasty;
    if (firstEvents !== null && isHasty) await wait(this.#random() * HASTY_MS);
    if (firstEvents !== null && !isHasty) await this.#untilNewEvents(kill, firstEvents, healthy);
    if (isLate) kill.first_event_ms = [];
    this.#options.onKill(kill);
  }

  /** Wakes the runs by another client's requests, so that they continue unwatched for a while. */
  async #wake(works: Work[]): Promise<void> {
    this.#observer.open();
    this.#stage.server.openToClients();
    const { server } = this.#stage;
    await Promise.all(works.map(({ name }) => server.json("GET", `/v1/threads/${name}/runs/${name}`)));
    await wait(this.#random() * MAX_LATE_MS, undefined, { signal: this.#options.signal });
  }

  #open(): void {
    this.#observer.open();
    this.#stage.server.open();
  }

  #chooseAim(): Aim {
    const isAny = this.#random() < this.#options.anyMoment;
    return isAny ? aimAtAnyMoment(this.#random) : aimAtRarest(this.#hits, this.#random);
  }

  async #killAt({ fits, within_ms }: Aim): Promise<void> {
    const late = new AbortController();
    const timer = wait(within_ms, undefined, { signal: late.signal }).then(
      () => this.#observer.kill(),
      () => {},
    );
    await this.#observer.killAt(fits);
    late.abort();
    await timer;
  }

  /** Reads what the kill met, and makes the last check of runs that are over. */
  async #look(): Promise<{ hits: Kill["hits"]; active: { work: Work; newest: number }[] }> {
    const works = [...this.#works.values()];
    const { objects, database } = await this.#disk.read(works.map(({ name }) => name));
    const hits: Kill["hits"] = [];
    const active: { work: Work; newest: number }[] = [];
    for (const work of works) {
      const [object, rows] = [threadOf(objects, work.name), threadOf(database, work.name)];
      const { sandbox, counters } = await readTraces(this.#stage.sandboxes, work.name);
      if (work.isChecked) {
        checkStored(object, rows, counters, (kind, what) => this.#report(kind, work.name, what));
        await this.#settle(work, sandbox);
        continue;
      }
      const found = findPhases(object, rows, {
        call: this.#observer.calls.get(work.name),
        commandsBegun: counters.filter((text) => text !== null).length,
        writes: (this.#observer.writes.get(work.name) ?? 0) > 0,
      });
      work.left = object.run;
      if (found.length === 0) continue;
      for (const phase of found) this.#hits.set(phase, (this.#hits.get(phase) ?? 0) + 1);
      hits.push({ run: work.name, phases: found });
      // Nothing is due from a queued run.
      if (!found.includes("queued")) active.push({ work, newest: object.newest });
      work.kills += 1;
      work.isStuck = (object.run?.lives ?? 0) >= MAX_IDLE_LIVES;
    }
    return { hits, active };
  }

  async #settle(work: Work, sandbox: string | null): Promise<void> {
    this.#works.delete(work.name);
    this.#findings.maxKillsPerRun = Math.max(this.#findings.maxKillsPerRun, work.kills);
    this.#findings.connections += work.watcher.connections;
    this.#findings.resyncs += work.watcher.resyncs;
    if (sandbox !== null) await this.#stage.removeSandbox(sandbox);
  }

  /** A run that lost many lives in one place may continue to its next model call before it loses another. */
  async #untilSafe(): Promise<void> {
    const stuck = new Set([...this.#works.values()].filter((work) => work.isStuck && !work.isChecked));
    if (stuck.size === 0) return;
    const moved = new Promise<void>((resolve) => {
      const leave = (run: string): void => {
        const work = this.#works.get(run);
        if (work === undefined || !stuck.delete(work)) return;
        work.isStuck = false;
        if (stuck.size === 0) resolve();
      };
      const called = new Set<string>();
      this.#observer.onRequest = (moment) => {
        // The first call may be the interrupted one; the second comes after its message.
        if (moment.kind === "write_done" && moment.ends) leave(moment.run);
        if (moment.kind !== "model_called") return;
        const call = `${moment.run} ${moment.step}`;
        if ([...called].some((each) => each.startsWith(`${moment.run} `) && each !== call)) leave(moment.run);
        called.add(call);
      };
    });
    await within(moved, END_MS, () => "a run makes no progress");
    this.#observer.onRequest = () => {};
  }

  async #untilNewEvents(kill: Kill, firstEvents: Promise<number>[], healthy: number): Promise<void> {
    const all = firstEvents.map((each) => each.then((at) => kill.first_event_ms.push(at - healthy)));
    await within(Promise.all(all), FIRST_EVENT_MS, () => "").catch(() => {
      const runs = kill.hits.map(({ run }) => run).join(" or ");
      this.#report("wrong", runs, `no new event within ${FIRST_EVENT_MS} ms of kill ${kill.number}`);
    });
  }

  /** Waits until each of these runs has made a request, although no client asked for it. */
  async #untilAwake(kill: Kill, runs: string[], healthy: number): Promise<void> {
    this.#observer.open();
    const asleep = new Set(runs);
    const awake = new Promise<void>((resolve) => {
      this.#observer.onRequest = ({ run }) => {
        if (asleep.delete(run)) kill.first_event_ms.push(performance.now() - healthy);
        if (asleep.size === 0) resolve();
      };
      if (asleep.size === 0) resolve();
    });
    await within(awake, WAKING_MS, () => "").catch(() => {
      for (const run of asleep)
        this.#report("wrong", run, `it did not wake within ${WAKING_MS} ms of kill ${kill.number}`);
    });
    this.#observer.onRequest = () => {};
  }

  #report(kind: Violation["kind"], run: string, what: string): void {
    this.#findings.violations.push({ kind, run, what });
  }
}
