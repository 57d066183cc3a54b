// `npm run chaos -- --checks`: kills the runtime again and again while the server runs the checks of tasks, and looks
// at what is on its disk: at each kill, and when a run is over.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { ChatRequest } from "../../../dev/model/wire.ts";
import type { Run } from "../../../src/protocol/run.ts";
import { createRandom, pickNumber, type Random } from "../aims.ts";
import type { Guard } from "../proxy.ts";
import { type Watcher, watchThread } from "../reader.ts";
import { openStage, type Stage } from "../stage.ts";
import { within } from "../within.ts";
import { noFindings, type ProofFindings } from "./findings.ts";
import { checkCommands, checkCopy, checkEnd, checkMoment, type Report, type Told } from "./oracle.ts";
import { MARKS, marks, replyTo, requestText, STEPS } from "./script.ts";
import { type Proofs, readProofs } from "./stored.ts";

export interface ProofOptions {
  kills: number;
  seed: number;
  runsAtOnce: number;
  onKill: (line: string) => void;
  signal: AbortSignal;
}

/** What a kill counts: requests to sandboxes that run a script of ours, their answers, batches for D1, model calls. */
type Moment = "asked" | "answered" | "written" | "called";
const aims: readonly Moment[] = ["asked", "asked", "answered", "answered", "written", "called"];

/** Of such moments of all runs together. Whole closings take some ten. */
const MAX_MOMENTS = 24;
const LATE_MS = 4_000;
/** Five lives without progress end a run by design. */
const MAX_IDLE_LIVES = 3;
const PROGRESS_MS = 60_000;
const END_MS = 120_000;
const MAX_PAUSE_MS = 1_500;

interface Work {
  name: string;
  watcher: Watcher;
  /** The ids of its receipts when it was last looked at. */
  receipts: string[];
  kills: number;
  told: Told | null;
}

/** A run that a kill has met. */
interface Met {
  name: string;
  place: keyof ProofFindings["met"];
  lives: number;
  /** Its steps and its plan's version. */
  progress: string;
}

export async function runProofCampaign(options: ProofOptions): Promise<ProofFindings> {
  const random = createRandom(options.seed);
  let campaign: ProofCampaign | null = null;
  const note = (moment: Moment): boolean => campaign?.note(moment) ?? true;
  const guard: Guard = {
    asks: (path) => !isScript(path) || note("asked"),
    answers: (path) => !isScript(path) || note("answered"),
  };
  const reply = (request: ChatRequest) =>
    replyTo(
      request,
      () => note("called"),
      () => {},
    );
  const stage = await openStage({ watch: () => note("written"), guard, reply }, options.signal);
  try {
    campaign = new ProofCampaign(options, stage, random);
    return await campaign.run();
  } catch (error) {
    options.signal.throwIfAborted();
    throw new Error(`${String(error)}\nThe runtime said:\n${stage.server.output}`);
  } finally {
    await stage.close();
  }
}

function isScript(path: string): boolean {
  return path.endsWith("/process/execute");
}

class ProofCampaign {
  readonly #options: ProofOptions;
  readonly #stage: Stage;
  readonly #random: Random;
  readonly #findings: ProofFindings = noFindings();
  readonly #works = new Map<string, Work>();
  #isDown = true;
  #isStopping = false;
  #aim: { moment: Moment; left: number; hit: () => void } | null = null;

  constructor(options: ProofOptions, stage: Stage, random: Random) {
    this.#options = options;
    this.#stage = stage;
    this.#random = random;
  }

  /** False: whoever asks is dead, or dies now. */
  note(moment: Moment): boolean {
    if (this.#isDown) return false;
    if (this.#aim?.moment !== moment) return true;
    this.#aim.left -= 1;
    if (this.#aim.left > 0) return true;
    this.#kill();
    return false;
  }

  async run(): Promise<ProofFindings> {
    const { kills, runsAtOnce, signal } = this.#options;
    await this.#start();
    const slots = Promise.all(Array.from({ length: runsAtOnce }, () => this.#keepWorking()));
    const failed = slots.then(() => new Promise<never>(() => {}));
    for (let number = 1; number <= kills; number++) {
      signal.throwIfAborted();
      await Promise.race([this.#killOnce(number), failed]);
    }
    this.#isStopping = true;
    await within(slots, END_MS, () => `no end of ${[...this.#works.keys()]}`);
    this.#kill();
    await this.#stage.server.dead();
    await this.#look();
    return this.#findings;
  }

  async #start(): Promise<void> {
    const { server } = this.#stage;
    this.#isDown = false;
    await server.start();
    server.open();
  }

  #kill(): void {
    if (this.#isDown) return;
    this.#isDown = true;
    this.#stage.server.killNow();
    this.#aim?.hit();
    this.#aim = null;
  }

  async #keepWorking(): Promise<void> {
    const { server } = this.#stage;
    const { signal } = this.#options;
    for (;;) {
      await wait(this.#random() * MAX_PAUSE_MS, undefined, { signal });
      if (this.#isStopping) return;
      const name = `p${++this.#findings.runs}`;
      const body = { message: requestText(name), message_id: `${name}-said`, invocation_id: name };
      await server.json("POST", `/v1/threads/${name}/runs`, body);
      const watcher = watchThread(server.watched, name, { signal });
      const work: Work = { name, watcher, receipts: [], kills: 0, told: null };
      this.#works.set(name, work);
      await work.watcher.ended;
      work.told = await this.#ask(work);
    }
  }

  async #ask({ name, watcher }: Work): Promise<Told> {
    const { server } = this.#stage;
    const path = `/v1/threads/${name}`;
    const { status, attempt, steps } = await server.json<Run>("GET", `${path}/runs/${name}`);
    const { sections } = await server.json<Pick<Told, "sections">>("GET", `${path}/tasks?include=receipts`);
    const events = watcher.frames.flatMap(({ event }) =>
      event.type === "CUSTOM" && event.name === "receipt" ? [(event.value as { receipt_id: string }).receipt_id] : [],
    );
    return { status, attempt, steps, sections, events, resyncs: watcher.resyncs };
  }

  async #killOnce(number: number): Promise<void> {
    const moment = aims[pickNumber(this.#random, 0, aims.length - 1)] ?? "asked";
    const left = pickNumber(this.#random, 1, MAX_MOMENTS);
    const late = new AbortController();
    const signal = AbortSignal.any([late.signal, this.#options.signal]);
    await new Promise<void>((hit) => {
      this.#aim = { moment, left, hit };
      wait(LATE_MS, undefined, { signal }).then(
        () => this.#kill(),
        () => hit(),
      );
    });
    late.abort();
    this.#options.signal.throwIfAborted();
    await this.#stage.server.dead();
    const places = await this.#look();
    this.#findings.kills += 1;
    for (const { place } of places) this.#findings.met[place] += 1;
    if (places.length === 0) this.#findings.idle += 1;
    const met = places.map(({ name, place }) => `${name} ${place}`).join(" · ") || "no run at work";
    this.#options.onKill(
      `kill ${number} · ${met} · (aimed at ${moment} ${left}) · ${this.#findings.violations.length} violations`,
    );
    const stuck = places.filter(({ lives }) => lives >= MAX_IDLE_LIVES);
    await this.#start();
    for (const { name, progress } of stuck) await this.#untilProgress(name, progress);
  }

  /** A run that has lost many lives in one place may continue before it loses another. */
  async #untilProgress(name: string, before: string): Promise<void> {
    const { server } = this.#stage;
    const read = async (): Promise<string> => {
      const { status, steps } = await server.json<Run>("GET", `/v1/threads/${name}/runs/${name}`);
      const { version } = await server.json<{ version: number }>("GET", `/v1/threads/${name}/tasks`);
      return status === "running" ? `${steps} ${version}` : status;
    };
    const progress = (async () => {
      while (before === (await read())) await wait(100, undefined, { signal: this.#options.signal });
    })();
    await within(progress, PROGRESS_MS, () => `${name} makes no progress: ${before}`);
  }

  async #look(): Promise<Met[]> {
    const proofs = await readProofs(this.#stage.state);
    const places: Met[] = [];
    for (const work of this.#works.values()) {
      const proof = proofs.objects.get(work.name);
      if (proof === undefined) continue;
      const report: Report = (what) => void this.#findings.violations.push(`${work.name}: ${what}`);
      checkMoment(proof, work.receipts, report);
      const copy = proofs.copies.get(work.name);
      if (copy !== undefined) checkCopy(copy, report);
      work.receipts = proof.receipts.map(({ receipt_id }) => receipt_id);
      const { place, lives, steps, plan } = proof;
      if (work.told === null && place !== "over") {
        work.kills += 1;
        places.push({ name: work.name, place, lives, progress: `${steps} ${plan.version}` });
      }
      if (work.told !== null) await this.#settle(work, work.told, proofs, report);
    }
    return places;
  }

  async #settle(work: Work, told: Told, { objects, copies }: Proofs, report: Report): Promise<void> {
    const { name } = work;
    const proof = objects.get(name);
    this.#works.delete(name);
    if (proof === undefined) return report("lost: nothing is stored of it");
    checkEnd(proof, copies.get(name), told, STEPS, report);
    const { id, left } = await this.#readMarks(proof.plan.tasks.length === 0 ? null : name);
    checkCommands(left, report);
    this.#findings.over += 1;
    this.#findings.receipts += proof.receipts.length;
    this.#findings.commands += Object.values(left).join("").split("begin").length - 1;
    this.#findings.maxKills = Math.max(this.#findings.maxKills, work.kills);
    if (id !== null) await this.#stage.removeSandbox(id);
  }

  /** What the commands of the run have left in its sandbox. */
  async #readMarks(name: string | null): Promise<{ id: string | null; left: Record<string, string> }> {
    const { sandboxes } = this.#stage;
    const left: Record<string, string> = {};
    for (const id of name === null ? [] : await readdir(sandboxes).catch(() => [])) {
      const folder = join(sandboxes, id, "home", MARKS);
      const owner = await readFile(join(folder, "owner"), "utf8").catch(() => "");
      if (owner.trim() !== name) continue;
      for (const each of Object.keys(marks)) left[each] = await readFile(join(folder, each), "utf8").catch(() => "");
      return { id, left };
    }
    return { id: null, left };
  }
}
