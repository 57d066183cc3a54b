// The Durable Object of a thread: one object serializes its runs, holds its log and streams it. It is thin: each method
// finds the life and calls one function of this folder. Private members are `#private`, since a member that is
// `private` only to TypeScript can be called over RPC.
import { DurableObject } from "cloudflare:workers";
import { withoutNumbers } from "../agent/plan/numbers.ts";
import { configOf, type Env } from "../config.ts";
import type { Diagnostics } from "../protocol/diagnostics.ts";
import { type Failure, fail, type Result, statusOf, succeed } from "../protocol/error.ts";
import type { WaitingChange, WaitingMessage } from "../protocol/inbox.ts";
import type { ClosedLease } from "../protocol/money/lease.ts";
import type { Page, PageRequest } from "../protocol/page.ts";
import type { CheckRun, CheckRunCall } from "../protocol/plan/check-run.ts";
import type { PlanDetails, PlanWithDetails } from "../protocol/plan/details.ts";
import type { PlanEditRequest } from "../protocol/plan/edit.ts";
import type { Plan } from "../protocol/plan/task.ts";
import type { Run } from "../protocol/run.ts";
import type {
  AcceptedRun,
  MessagePage,
  MessageRequest,
  RunInput,
  Thread,
  ThreadApi,
  ThreadCreation,
  ThreadKey,
  ThreadPatch,
  ThreadWithRun,
} from "../protocol/thread.ts";
import { agentMemory } from "./agent-memory.ts";
import { onAlarm } from "./alarm.ts";
import { closeLeases } from "./caps/closing.ts";
import { callChecks, ensureChecking } from "./checks/again.ts";
import { readPlanDetails } from "./checks/plan-details.ts";
import { describeLife } from "./diagnostics.ts";
import { EXPIRED, mayExpire } from "./expire.ts";
import { ensureFollowing } from "./follow/followers.ts";
import { acceptRun, checkFirstInput } from "./inbox/accept.ts";
import { changeWaiting, removeWaiting } from "./inbox/change-waiting.ts";
import { listWaiting } from "./inbox/waiting.ts";
import { findRun, type Life, type Platform } from "./life.ts";
import { checkPlace, requirePlace } from "./place.ts";
import { createPorts, type Ports } from "./ports.ts";
import { notePresence } from "./presence/leave.ts";
import type { Database } from "./rows/database.ts";
import { readMessagePage, readRunPage, readThreadWithRun } from "./rows/reads.ts";
import { readRemoval } from "./rows/stored-thread.ts";
import { withLateTables } from "./rows/tables.ts";
import {
  cancelBefore,
  cancelRun,
  failDeadLetteredRun,
  getRun,
  resumeStaleRuns,
  startBackground,
  waitForEnd,
} from "./run/control.ts";
import { editPlan } from "./run/plan-edit.ts";
import { ensureRunning } from "./run/run.ts";
import { arm, schedule, sendNewJobs } from "./scheduler.ts";
import { readClient } from "./stream/ag-ui/client.ts";
import { type Opener, readOpener } from "./stream/ended-keys.ts";
import { openStream, whenStreamEnds } from "./stream/stream-response.ts";
import { type StreamRequest, tooManyReaders } from "./stream/streams.ts";
import { endFormerStreams } from "./stream/streams-here.ts";
import { finishRemoval, ownedBy, patchThread, removeThread, storeThread } from "./threads.ts";
import { beginLife, OTHER_FORMAT, wakeLife } from "./wake.ts";

// How long a request waits for D1. Then the object answers reads of its thread from its own rows.
const SYNC_LIMIT_MS = 3_000;

const OTHER_VERSION =
  "This thread's data is of another version of Taskloom, and was left as it is. Deploy this version under a Worker name and with a database of its own, or start it with a state folder of its own (`npm start -- --state DIR`).";

export class ThreadObject extends DurableObject<Env> implements ThreadApi {
  readonly #database: Database;
  readonly #ports: Ports;
  readonly #platform: Platform;
  /** Set if another version has stored what is here. Every call gets it, and nothing is read or changed. */
  readonly #refusal: ReturnType<typeof fail> | null;
  #life: Life | null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { storage } = ctx;
    this.#database = { sql: withLateTables(storage.sql), transaction: (change) => storage.transactionSync(change) };
    this.#ports = createPorts(configOf(env), env.DB, env.JOBS, env.PUBLIC_NETWORK);
    this.#platform = {
      waitUntil: (promise) => ctx.waitUntil(promise),
      setAlarm: (at) => storage.setAlarm(at),
      abort: (reason) => {
        // Its streams end with it, and no code of theirs runs any more.
        if (this.#life) endFormerStreams(this.#life.thread);
        ctx.abort(reason);
      },
    };
    const life = wakeLife(this.#database, this.#ports, this.#platform);
    const isForeign = life === OTHER_FORMAT;
    this.#refusal = isForeign ? fail("not_configured", OTHER_VERSION) : null;
    this.#life = isForeign || life === null ? null : this.#tend(life);
    if (isForeign) ctx.waitUntil(storage.deleteAlarm());
  }

  async create(creation: ThreadCreation): Promise<Result<Thread>> {
    const misplaced = this.#life === null ? await this.#checkPlace(true) : null;
    if (misplaced !== null) return misplaced;
    const isRepeated = this.#life?.stored.request_id === creation.request_id;
    if ((this.#life !== null && !isRepeated) || readRemoval(this.#database) !== null) {
      return fail("already_exists", `The thread ${creation.thread_id} exists already.`);
    }
    const life = this.#life ?? this.#make(creation);
    await arm(life);
    await life.outbox.syncWithin(SYNC_LIMIT_MS);
    if (life.outbox.ownerDeleted) return fail("not_found", `The thread ${creation.thread_id} was deleted.`);
    await schedule(life);
    return succeed(life.thread);
  }

  async update(key: ThreadKey, patch: ThreadPatch): Promise<Result<Thread>> {
    return this.#write(key, (life) => patchThread(life, patch));
  }

  async remove(key: ThreadKey, request_id: string): Promise<Result<null>> {
    const owned = this.#wake(key);
    if (owned.ok) await this.#removeLife(owned.value, request_id);
    else if (readRemoval(this.#database)?.request_id !== request_id) return (await this.#requirePlace()) ?? owned;
    else await this.#finishRemoval(null);
    return succeed(null);
  }

  async accept(input: RunInput): Promise<Result<AcceptedRun>> {
    return this.#accept(input, false);
  }

  async sync(key: ThreadKey): Promise<Result<boolean>> {
    return this.#read(key, async (life) => succeed(await bringToStore(life, { whole: true })));
  }

  async readThread(key: ThreadKey): Promise<Result<ThreadWithRun>> {
    return this.#read(key, async (life) => {
      // Who reads it may go on with its project, or with a list, which D1 has.
      if (!life.outbox.hasThread) await bringToStore(life, {});
      return readThreadWithRun(life);
    });
  }

  async readPlan(key: ThreadKey): Promise<Result<Plan>> {
    return this.#read(key, (life) => succeed(withoutNumbers(life.state.plan)));
  }

  async readLedger(key: ThreadKey, include: PlanDetails, most?: number): Promise<Result<PlanWithDetails>> {
    return this.#read(key, (life) => succeed(readPlanDetails(life, include, most)));
  }

  async editPlan(key: ThreadKey, request: PlanEditRequest): Promise<Result<Plan>> {
    const edited = await this.#write(key, (life) => editPlan(life, request));
    return edited.ok ? succeed(withoutNumbers(edited.value)) : edited;
  }

  async callChecks(key: ThreadKey, call: CheckRunCall): Promise<Result<CheckRun | null>> {
    if (call.kind === "start") return this.#write(key, (life) => callChecks(life, call));
    return this.#read(key, (life) => callChecks(life, call));
  }

  async readMessages(key: ThreadKey, request: MessageRequest, most?: number): Promise<Result<MessagePage>> {
    return this.#read(key, (life) => readMessagePage(life, request, most));
  }

  async readInbox(key: ThreadKey): Promise<Result<WaitingMessage[]>> {
    return this.#read(key, (life) => succeed(listWaiting(life)));
  }

  async changeWaiting(key: ThreadKey, message_id: string, change: WaitingChange): Promise<Result<WaitingMessage>> {
    return this.#read(key, (life) => changeWaiting(life, message_id, change));
  }

  async removeWaiting(key: ThreadKey, message_id: string): Promise<Result<null>> {
    return this.#read(key, (life) => removeWaiting(life, message_id));
  }

  async readRuns(key: ThreadKey, request: PageRequest): Promise<Result<Page<Run>>> {
    return this.#read(key, (life) => readRunPage(life, request));
  }

  async getRun(key: ThreadKey, invocation_id: string): Promise<Result<Run>> {
    return this.#read(key, (life) => getRun(life, invocation_id));
  }

  async waitForEnd(key: ThreadKey, invocation_id: string, timeout_ms: number): Promise<Result<Run>> {
    return this.#read(key, (life) => waitForEnd(life, invocation_id, timeout_ms));
  }

  async waitForStream(key: ThreadKey, name: string): Promise<Result<null>> {
    return this.#read(key, async (life) => {
      await whenStreamEnds(life, name);
      return succeed(null);
    });
  }

  async cancel(key: ThreadKey, invocation_id: string): Promise<Result<Run>> {
    return this.#read(key, (life) => cancelRun(life, invocation_id));
  }

  async start(key: ThreadKey, invocation_id: string): Promise<Result<null>> {
    return this.#read(key, (life) => startBackground(life, invocation_id));
  }

  async failDeadLetteredRun(key: ThreadKey, invocation_id: string): Promise<Result<null>> {
    return this.#read(key, (life) => failDeadLetteredRun(life, invocation_id));
  }

  async resumeStaleRuns(key: ThreadKey, invocation_ids: string[]): Promise<Result<string[]>> {
    await this.#retryRemoval();
    return this.#read(
      key,
      async (life) => {
        const unknown = await resumeStaleRuns(life, invocation_ids);
        await schedule(life);
        return succeed(unknown);
      },
      this.#requirePlace,
    );
  }

  async closeLeases(key: ThreadKey, lease_ids: string[]): Promise<Result<ClosedLease[]>> {
    await this.#retryRemoval();
    return this.#read(key, (life) => succeed(closeLeases(life, lease_ids)), this.#requirePlace);
  }

  async expire(key: ThreadKey, before: string, at: number): Promise<Result<boolean>> {
    await this.#retryRemoval();
    return this.#read(
      key,
      async (life) => {
        if (!(await mayExpire(life, before, at))) return succeed(false);
        await this.#removeLife(life, EXPIRED);
        return succeed(true);
      },
      this.#requirePlace,
    );
  }

  async diagnose(key: ThreadKey): Promise<Result<Diagnostics>> {
    return this.#read(key, (life) => succeed(describeLife(life)));
  }

  override async alarm(): Promise<void> {
    if (this.#life !== null) await onAlarm(this.#life);
    else await this.#finishRemoval(null);
  }

  /** Streams. The routes are described at `ThreadApi`. */
  override async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const opener = readOpener(url.searchParams, this.#ports.clock.now());
    const client = readClient(url.searchParams);
    const relayed = url.searchParams.has("relayed");
    if (url.pathname === "/runs") {
      const input = (await request.json()) as RunInput;
      const attach = url.searchParams.has("known");
      // Before anything is stored, so that a client that gets no stream can repeat the same request.
      if (this.#life?.readers.isFull === true) return failureResponse(tooManyReaders);
      const accepted = await this.#accept(input, attach);
      if (!accepted.ok) return failureResponse(accepted.error);
      const { run, created } = accepted.value;
      // A number of another run means nothing to a new one.
      const after = created ? null : readAfter(url.searchParams);
      const begin = { invocation_id: run.invocation_id, after, resync: attach && !created, client, relayed };
      return this.#stream(input, begin, opener, request.signal);
    }
    const key = { user_id: url.searchParams.get("user_id") ?? "", thread_id: url.searchParams.get("thread_id") ?? "" };
    const invocation_id = url.searchParams.get("invocation_id");
    const may_end = url.searchParams.has("may_end");
    const ticket = url.searchParams.get("ticket");
    const rest = { resync: false, client, relayed, may_end, ticket };
    const from = { invocation_id, after: readAfter(url.searchParams), ...rest };
    return this.#stream(key, from, opener, request.signal);
  }

  async #stream(key: ThreadKey, request: StreamRequest, opener: Opener | null, left: AbortSignal): Promise<Response> {
    const owned = this.#wake(key);
    if (!owned.ok) return failureResponse(((await this.#checkPlace()) ?? owned).error);
    const opened = openStream(owned.value, request, opener, left);
    return opened.ok ? opened.value : failureResponse(opened.error);
  }

  async #accept(input: RunInput, attach: boolean): Promise<Result<AcceptedRun>> {
    if (this.#life === null) {
      if (readRemoval(this.#database) !== null) return fail("not_found", `The thread ${input.thread_id} was deleted.`);
      // The place is remembered last, once in an isolate's life: an input that is refused makes no thread.
      const refused = this.#refusal ?? (await checkFirstInput(this.#ports, input)) ?? (await this.#checkPlace(true));
      if (refused) return refused;
      // Another request may have removed or created the thread meanwhile.
      if (readRemoval(this.#database) !== null) return fail("not_found", `The thread ${input.thread_id} was deleted.`);
      const { user_id, thread_id, agent_id } = input;
      if (this.#life === null)
        this.#make({ user_id, thread_id, agent_id, project_id: null, title: null, metadata: {}, request_id: "" });
    }
    const owned = this.#wake(input);
    if (!owned.ok) return owned;
    const life = owned.value;
    const accepted = await acceptRun(life, input, attach);
    if (!accepted.ok || !accepted.value.created) return accepted;
    const record = findRun(life, accepted.value.run.invocation_id);
    if (record?.input?.on_busy === "replace") cancelBefore(life, record);
    await schedule(life);
    ensureRunning(life);
    ensureFollowing(life);
    notePresence(life, null);
    if (input.background) this.ctx.waitUntil(life.outbox.syncWithin(SYNC_LIMIT_MS).then(() => sendNewJobs(life)));
    return accepted;
  }

  /** Calls `ask` with the owner's life. Whatever starts or ends a run calls `schedule` itself. */
  async #read<T>(
    key: ThreadKey,
    ask: (life: Life) => Result<T> | Promise<Result<T>>,
    findMisplaced = () => this.#checkPlace(),
  ): Promise<Result<T>> {
    const owned = this.#wake(key);
    return owned.ok ? ask(owned.value) : ((await findMisplaced()) ?? owned);
  }

  /** Changes what D1 shows of the thread. The alarm is set first, and the answer waits for D1 for a limited time. */
  async #write<T>(key: ThreadKey, change: (life: Life) => Result<T> | Promise<Result<T>>): Promise<Result<T>> {
    return this.#read(key, async (life) => {
      await arm(life);
      const changed = await change(life);
      await life.outbox.syncWithin(SYNC_LIMIT_MS);
      await schedule(life);
      return changed;
    });
  }

  /**
   * D1 has something of a removed thread, so its removal has not arrived there. An alarm may have been lost with the
   * life that should have set it.
   */
  async #retryRemoval(): Promise<void> {
    if (this.#life === null) await this.#finishRemoval(null);
  }

  /** A life that finds its owner deleted removes the thread: whoever emptied the account did not know of it. */
  #tend(life: Life): Life {
    life.outbox.onOwnerDeleted = () => this.ctx.waitUntil(this.#removeLife(life, "owner_deleted"));
    return life;
  }

  async #removeLife(life: Life, request_id: string): Promise<void> {
    await removeThread(life, request_id);
    if (this.#life === life) this.#life = null;
    await this.#finishRemoval(life);
  }

  /** Why there is no thread here, if another version stored what there is or the settings led to the wrong place. */
  async #checkPlace(makes = false): ReturnType<typeof checkPlace> {
    return this.#refusal ?? (await checkPlace(configOf(this.env), this.env.DB, makes));
  }

  /** The same for callers that end in D1 what has no object. */
  readonly #requirePlace = async (): ReturnType<typeof requirePlace> =>
    this.#refusal ?? (await requirePlace(configOf(this.env), this.env.DB));

  #finishRemoval(life: Life | null): Promise<void> {
    return finishRemoval(this.#database, this.#ports, this.ctx.storage, life);
  }

  #make(creation: ThreadCreation): Life {
    const stored = storeThread(this.#database, creation, this.#ports.clock.now());
    const life = this.#tend(beginLife(this.#database, this.#ports, this.#platform, stored));
    // In the same turn: a thread that nobody asks for again reaches D1, or learns what became of its owner.
    this.ctx.waitUntil(arm(life));
    if (creation.project_id === null) agentMemory.noteNewProject(creation.user_id, life.thread.project_id);
    this.#life = life;
    return life;
  }

  /** The life, if `key` is the owner's. Any request resumes what a former life left. */
  #wake(key: ThreadKey): Result<Life> {
    const owned = ownedBy(this.#life, key);
    if (!owned.ok) return owned;
    ensureRunning(owned.value);
    ensureFollowing(owned.value);
    ensureChecking(owned.value);
    // The former life may have ended between a run and its alarm.
    if (owned.value.alarmAt === null) this.ctx.waitUntil(schedule(owned.value));
    return owned;
  }
}

/** False if D1 can't have all of it now. */
async function bringToStore(life: Life, how: { whole?: boolean }): Promise<boolean> {
  const isCurrent = !life.outbox.hasJustFailed && (await life.outbox.syncWithin(SYNC_LIMIT_MS, how));
  await schedule(life);
  return isCurrent;
}

function failureResponse(error: Failure): Response {
  return Response.json({ error }, { status: statusOf(error) });
}

function readAfter(params: URLSearchParams): number | null {
  const after = params.get("after");
  return after === null ? null : Number(after);
}
