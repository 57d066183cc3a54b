// Runs checks through a place in the sandbox. What only looks is done side by side; what runs a program comes one after
// another, and the project's files are compared before and after each. A check never passes on a thought: without a
// sandbox, without time, without a tree to compare it has not run, and its receipt says why.
import { hashText, toHex } from "../../../lib/hash.ts";
import type { Receipt } from "../../../protocol/plan/check.ts";
import { SandboxError } from "../../sandbox.ts";
import type { CheckPlace, Tree } from "../place.ts";
import type { CheckRunner, RunOptions, WantedCheck } from "../runner.ts";
import { judgeChanges } from "./changes.ts";
import { addressOf, groupQuick, type Job, listJobs } from "./jobs.ts";
import { failed, notRun } from "./judge.ts";
import {
  judgeError,
  lookAtAnswer,
  lookAtCommand,
  lookAtFile,
  lookAtGit,
  lookAtPort,
  lookAtStarted,
  noTime,
  type Sight,
} from "./look.ts";
import { KeptOutputs } from "./outputs.ts";
import { type CheckRunPorts, type PublicAnswer, TIME_OVER, within } from "./ports.ts";
import { findUnapproved, type ProtectedHashes, readAltered, readProtected } from "./protected.ts";
import { type Seen, toReceipt } from "./receipt.ts";
import { sideBySide } from "./side-by-side.ts";

/** For the end of programs after a cancel or their look: it is not part of anybody's budget. */
const CLEANUP_MS = 15_000;
/** At least this long for the look at files after a command: one that passed just in time is not lost for it. */
const AFTER_MS = 60_000;
/** For a look at files that no check asked for: 50,000 of them take half of it. */
const LOOK_MS = 60_000;
/** Lives that have begun the same call: more without progress end a run. */
const MAX_FORMER = 5;
/** Less is not worth a start. */
const MIN_MS = 1_000;

export function createCheckRunner(ports: CheckRunPorts): CheckRunner {
  return {
    run: (wanted, options) => new Running(ports, options).run(wanted),
    readTree: async () => (await ask(ports, (place, signal) => place.readTree(signal)))?.hash ?? null,
    hashFiles: async (paths) => {
      const hashes = await ask(ports, (place, signal) => place.hashFiles(paths, signal));
      return new Map(hashes?.map((hash, at) => [paths[at] ?? "", hash]));
    },
    hashProtected: async (patterns) => {
      const found = await ask(ports, (place, signal) => place.hashMatches(patterns, signal));
      return new Map(found?.map((matches, at) => [patterns[at] ?? "", { path: patterns[at] ?? "", ...matches }]));
    },
  };
}

/** Null if there is no place, or it can't say. */
async function ask<Value>(
  ports: CheckRunPorts,
  work: (place: CheckPlace, signal: AbortSignal) => Promise<Value>,
): Promise<Value | null> {
  const { place, signal } = ports;
  signal.throwIfAborted();
  if (place === undefined) return null;
  try {
    return await within(ports, LOOK_MS, signal, (inner) => work(place, inner));
  } catch (error) {
    signal.throwIfAborted();
    if (error === TIME_OVER || error instanceof SandboxError) return null;
    throw error;
  }
}

/** `changed`: files that changed meanwhile; as many as could be listed. */
type Compared = Sight & { changed?: string[] };

class Running {
  readonly #ports: CheckRunPorts;
  readonly #options: RunOptions;
  readonly #until: number;
  /** Commands and programs that may run. */
  readonly #open = new Set<string>();
  readonly #outputs = new KeptOutputs();
  /** Of addresses that are looked at. */
  readonly #answers = new Map<string, PublicAnswer>();
  #tree: Tree | null = null;
  #noTree: string | null = null;

  constructor(ports: CheckRunPorts, options: RunOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#until = ports.now() + options.budget_ms;
  }

  async run(wanted: readonly WantedCheck[]): Promise<Receipt[]> {
    const { signal, place } = this.#ports;
    signal.throwIfAborted();
    const jobs = listJobs(wanted, this.#ports.keyOf);
    try {
      const before = await readProtected(wanted, place, (work) => this.#inTime(work));
      await this.#readFirstTree(jobs);
      const seen = new Map<Job, Seen>();
      const look = async (job: Job) => void seen.set(job, await this.#see(job, before));
      await sideBySide(groupQuick(jobs), async (group) => {
        for (const job of group) await look(job);
        for (const { spec } of group) this.#answers.delete(addressOf(spec) ?? "");
      });
      for (const job of jobs) if (!job.is_quick) await look(job);
      const after = await readProtected(wanted, place, (work) => this.#inTime(work, AFTER_MS));
      signal.throwIfAborted();
      return wanted.map((each) => this.#close(each, jobs, seen, readAltered(each.check, before, after)));
    } finally {
      this.#outputs.release();
      await this.#endAll();
      signal.throwIfAborted();
    }
  }

  #close(wanted: WantedCheck, jobs: Job[], seen: ReadonlyMap<Job, Seen>, altered: string[] | string): Receipt {
    const job = jobs.find(({ wanted: all }) => all.includes(wanted));
    const found = job && seen.get(job);
    if (found === undefined) throw new Error("A check has no receipt.");
    const { newId, invocation_id, onReceipt } = this.#ports;
    const receipt = toReceipt(wanted, found, altered, { receipt_id: newId(), invocation_id });
    onReceipt?.(receipt);
    return receipt;
  }

  get #left(): number {
    return this.#until - this.#ports.now();
  }

  #inTime<Value>(work: (signal: AbortSignal) => Promise<Value>, least_ms = 0): Promise<Value> {
    return within(this.#ports, Math.max(least_ms, this.#left), this.#ports.signal, work);
  }

  /** For all checks but those of files, which have a hash of their own. */
  async #readFirstTree(jobs: Job[]): Promise<void> {
    const { place } = this.#ports;
    if (place === undefined || !jobs.some(({ spec }) => spec.type !== "file" && spec.type !== "person")) return;
    this.#tree = await this.#readTree(place);
  }

  /** Null if it can't be read; then `#noTree` says why. */
  async #readTree(place: CheckPlace, least_ms = 0): Promise<Tree | null> {
    try {
      const tree = await this.#inTime((signal) => place.readTree(signal), least_ms);
      this.#noTree = null;
      return tree;
    } catch (error) {
      this.#ports.signal.throwIfAborted();
      if (error !== TIME_OVER && !(error instanceof SandboxError)) throw error;
      this.#noTree = error === TIME_OVER ? noTime().reason : (error as SandboxError).message;
      return null;
    }
  }

  async #see(job: Job, files: ProtectedHashes): Promise<Seen> {
    const { now, signal } = this.#ports;
    signal.throwIfAborted();
    const started = now();
    const tree = this.#tree;
    const unapproved = findUnapproved(job.wanted, files);
    const sight: Compared = unapproved === null ? await this.#look(job) : notRun(unapproved);
    const kept = sight.output === undefined ? {} : { output: this.#outputs.keep(sight.output) };
    const own = job.spec.type === "file" ? (sight.file_hash ?? null) : ((sight.tree ?? tree)?.hash ?? null);
    return {
      ...sight,
      ...kept,
      tree_hash: own,
      started_at: new Date(started).toISOString(),
      duration_ms: now() - started,
    };
  }

  async #look(job: Job): Promise<Compared> {
    const { place } = this.#ports;
    const { spec } = job;
    if (spec.type === "person") return notRun("It waits for a person.");
    if (spec.type === "http" && spec.url !== undefined && spec.port !== undefined)
      return failed("It names both a port and an address.");
    if (place === undefined && !(spec.type === "http" && spec.url !== undefined))
      return notRun("There is no sandbox here in which it could run.");
    if (this.#left < MIN_MS) return noTime();
    let inner: AbortSignal | null = null;
    try {
      return await this.#inTime((signal) => {
        inner = signal;
        return this.#lookInTime(job, place, signal);
      });
    } catch (error) {
      this.#ports.signal.throwIfAborted();
      return judgeError(error, inner ?? this.#ports.signal);
    }
  }

  async #lookInTime(job: Job, place: CheckPlace | undefined, signal: AbortSignal): Promise<Compared> {
    const { spec } = job;
    if (spec.type === "http" && spec.url !== undefined) {
      const answer = this.#answers.get(spec.url) ?? (await this.#ports.fetchPublic(spec.url, signal));
      this.#answers.set(spec.url, answer);
      return lookAtAnswer(spec, answer);
    }
    if (place === undefined || spec.type === "person") throw new Error("Nothing to look at.");
    if (spec.type === "file") return lookAtFile(spec, { place, signal });
    if (spec.type === "git") return lookAtGit(spec, { place, signal });
    if (spec.type === "http" && spec.start === undefined) {
      if (spec.port === undefined) return failed("It names neither a port nor an address.");
      return lookAtPort(spec, { place, signal, left_ms: this.#left });
    }
    return this.#compare(job, place, signal);
  }

  /**
   * Runs what may change files, between two looks at the tree. Once more if they changed and another thread was at work:
   * a check that passes on files that nothing changed meanwhile has passed, whatever was before.
   */
  async #compare(job: Job, place: CheckPlace, signal: AbortSignal): Promise<Compared> {
    const isOpen = ({ changed, outcome }: Compared) => changed !== undefined && outcome !== "not_run";
    const began = this.#ports.now();
    const seen = await this.#compareOnce(job, place, signal);
    if (!isOpen(seen)) return seen;
    const isShared = await this.#hasOthers(began);
    if (!isShared || this.#left < MIN_MS) return judgeChanges(seen, seen.changed ?? [], isShared);
    const beganAgain = this.#ports.now();
    const again = await this.#compareOnce(job, place, signal, true);
    if (!isOpen(again)) return again;
    return judgeChanges(again, again.changed ?? [], await this.#hasOthers(beganAgain));
  }

  /** Where nobody knows, the check answers for what changed. */
  async #hasOthers(since: number): Promise<boolean> {
    return (await this.#ports.othersAtWork?.(since).catch(() => false)) ?? false;
  }

  /** With the files that changed, without a judgement of them. */
  async #compareOnce(job: Job, place: CheckPlace, signal: AbortSignal, isAgain = false): Promise<Compared> {
    const { spec } = job;
    const before = this.#tree ?? (await this.#readTree(place));
    if (before === null) return notRun(this.#describeNoTree());
    this.#tree = before;
    const command_id = await this.#nameCommand(job, { isAgain });
    if (this.#options.is_repeated) await this.#endFormer(job);
    const request = { place, signal, left_ms: this.#left, command_id, tree: before };
    this.#open.add(command_id);
    let sight: Sight;
    try {
      sight =
        spec.type === "command"
          ? await lookAtCommand(spec, request)
          : spec.type === "http"
            ? await lookAtStarted(spec, request)
            : notRun("It has no command.");
      if (spec.type === "command") this.#open.delete(command_id);
    } catch (error) {
      this.#ports.signal.throwIfAborted();
      sight = judgeError(error, signal);
    }
    await this.#endAll();
    // Kept beside the command, so the command could have changed it: it may only show more changes, never fewer.
    const first = sight.tree ?? before;
    const seen = { ...sight, tree: first };
    const after = await this.#readTree(place, AFTER_MS);
    this.#tree = after;
    if (after === null) return sight.outcome === "passed" ? { ...seen, ...notRun(this.#describeNoTree()) } : seen;
    if (after.hash === first.hash && after.hash === before.hash) return seen;
    return { ...seen, changed: await this.#listChanges(place, after.hash === first.hash ? before : first) };
  }

  #describeNoTree(): string {
    return `The project's files can't be compared before and after: ${this.#noTree ?? "they can't be read."}`;
  }

  async #listChanges(place: CheckPlace, since: Tree): Promise<string[]> {
    try {
      return await this.#inTime((signal) => place.listChanges(since, signal), AFTER_MS);
    } catch (error) {
      this.#ports.signal.throwIfAborted();
      if (error !== TIME_OVER && !(error instanceof SandboxError)) throw error;
      return [];
    }
  }

  /**
   * A command is found again by its id. A program is started anew by each life: the former one's may have been ended
   * already, after a look that was lost with its life.
   */
  async #nameCommand(
    { key, spec }: Job,
    { attempt = this.#ports.attempt, isAgain = false }: { attempt?: number; isAgain?: boolean } = {},
  ): Promise<string> {
    const life = spec.type === "http" && attempt > 1 ? [attempt] : [];
    const text = JSON.stringify([
      this.#ports.scope,
      this.#options.call_id,
      key,
      ...life,
      ...(isAgain ? ["again"] : []),
    ]);
    return `check-${toHex(await hashText(text)).slice(0, 40)}`;
  }

  /** Ends what former lives have started for the same look, so that its port is free. */
  async #endFormer(job: Job): Promise<void> {
    if (job.spec.type !== "http") return;
    const { attempt } = this.#ports;
    for (let former = Math.max(1, attempt - MAX_FORMER); former < attempt; former++)
      for (const isAgain of [false, true]) this.#open.add(await this.#nameCommand(job, { attempt: former, isAgain }));
    await this.#endAll();
  }

  /** Never rejects: a sandbox that can't be reached ends what it runs by its limit. */
  async #endAll(): Promise<void> {
    const { place } = this.#ports;
    for (const id of [...this.#open]) {
      this.#open.delete(id);
      await within(this.#ports, CLEANUP_MS, null, async (signal) => place?.endProgram(id, signal)).catch(() => {});
    }
  }
}
