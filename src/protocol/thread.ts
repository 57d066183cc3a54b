// A thread, and the contract of its object: every call from a Worker to the thread's Durable Object. Each method
// returns expected failures as values.
import type { AgentConfig } from "./agents/agent.ts";
import type { Chain } from "./chain.ts";
import type { Diagnostics } from "./diagnostics.ts";
import type { Result } from "./error.ts";
import type { WaitingChange, WaitingMessage } from "./inbox.ts";
import type { MessageRow, MessageType, UserContent } from "./message.ts";
import type { MirrorPlace } from "./mirror.ts";
import type { ScopedCaps } from "./money/caps.ts";
import type { ClosedLease } from "./money/lease.ts";
import type { Page, PageRequest } from "./page.ts";
import type { CheckRun, CheckRunCall } from "./plan/check-run.ts";
import type { PlanDetails, PlanWithDetails } from "./plan/details.ts";
import type { PlanEditRequest } from "./plan/edit.ts";
import type { Plan } from "./plan/task.ts";
import type { BusyPolicy, DisconnectPolicy, Run, RunStatus } from "./run.ts";

export interface Thread {
  thread_id: string;
  user_id: string;
  project_id: string;
  /** Set by the person, or else derived from the first message with text; null until then. */
  title: string | null;
  agent_id: string;
  metadata: Record<string, unknown>;
  created_at: string;
  updated_at: string;
}

/** A thread with its newest run; null before the first run. */
export interface ThreadWithRun extends Thread {
  last_run: LastRun | null;
}

export interface LastRun {
  invocation_id: string;
  status: RunStatus;
}

/** Who asks for which thread. If the owner is another user, the object answers `not_found`. */
export interface ThreadKey {
  user_id: string;
  thread_id: string;
}

export interface ThreadCreation extends ThreadKey {
  /** The route makes one for each request. The same `request_id` again is the same creation. */
  request_id: string;
  /** The route has checked that it belongs to the user. Null makes a new project. */
  project_id: string | null;
  title: string | null;
  /** The route has checked that it exists. */
  agent_id: string | null;
  metadata: Record<string, unknown>;
}

export interface ThreadPatch {
  title?: string | null;
  agent_id?: string;
  metadata?: Record<string, unknown>;
}

export interface ClientTool {
  name: string;
  description: string;
  parameters: Record<string, unknown>;
}

export interface InterruptAnswer {
  interrupt_id: string;
  status: "resolved" | "cancelled";
  payload?: unknown;
}

/** One of our ids, and what a client sent instead. */
export type SentId = [id: string, sent: string];
/** A message of a client's history. */
export interface HistoryEntry {
  message_id: string;
  role: string;
}

/** Asks the turn of a message again, or puts the message of the input into the place of a person's. */
export interface Superseding {
  message_id: string;
  /** Whether the named message is replaced, too. */
  replaces: boolean;
  /**
   * The client chose no id for the run. That of a reply, which can be asked for once, is derived; that of an edit is, too,
   * and becomes another one if the message was edited since.
   */
  is_unnamed?: boolean;
}

/** The input that starts a run, from any route or job. */
export interface RunInput extends ThreadKey {
  invocation_id: string;
  messages: { message_id: string; content: UserContent }[];
  /**
   * Set if nobody has named the messages: the object gives them ids of its own, which need no look whether they are taken
   * and no entry in its index. Not stored.
   */
  unnamed_messages?: boolean;
  /** Results of client tools that an earlier run of this thread left pending (AG-UI). */
  tool_results: { message_id: string; tool_call_id: string; content: string }[];
  /**
   * Set if `messages` and `tool_results` are a client's whole history (AG-UI), of which the route can't know what is
   * new. The input is then the messages with unknown ids after the last known one, plus the results of pending calls.
   * Without either and without `resume` the answer is `empty_message`.
   */
  from_history?: boolean;
  /**
   * What an AG-UI client calls the run and its messages, where that is not their id. Not part of the stored input.
   */
  sent_ids?: SentId[];
  /**
   * With `from_history`: the ids and roles of the whole history, which tell whether the client has taken something back.
   * It is not stored.
   */
  history?: HistoryEntry[];
  /** With `history`: it is the whole conversation, so that what it lacks was taken back. */
  is_whole_history?: boolean;
  /** What the run replaces. The messages after that, and what they did to the plan, are superseded when it starts. */
  supersede?: Superseding;
  /** Answers to the interrupts of the last run; null if the input answers none. */
  resume: InterruptAnswer[] | null;
  agent_id: string | null;
  model: string | null;
  max_steps: number | null;
  metadata: Record<string, unknown>;
  /** Where the person is, if the client knows it: an IANA name. Absent takes the zone of the message before, or UTC. */
  time_zone?: string;
  /** The span in which a client started it: W3C's header. Not part of what makes a repeat known. */
  traceparent?: string;
  background: boolean;
  on_busy: BusyPolicy;
  /** What becomes of the run when its last reader has left; absent takes what its agent says. */
  on_disconnect?: DisconnectPolicy;
  /**
   * The title of a thread that has none; absent takes the first line of the message, null leaves the thread without.
   */
  title?: string | null;
  /**
   * Set if the input can't answer what the last run asked: it comes from a trigger, or was meant to steer a run and
   * arrived too late. The question then stays unanswered.
   */
  answers_nothing?: boolean;
  /** The API key that started the run, or made the trigger that did; absent if that is not known, as for Slack. */
  key_id?: string;
  /** What its request and its trigger allow it to spend; absent for no cap. The agent's are in its configuration. */
  caps?: ScopedCaps[];
  /** The webhooks that led to this run; absent if none did. */
  chain?: Chain;
  client_tools: ClientTool[];
  /** What the client wants the model to know; quoted as data in the prompt. */
  context: { description: string; value: string }[];
  /** Where this thread's runs are shown from this run on; absent changes nothing. */
  follow?: MirrorPlace;
}

/** Completes an input with the usual defaults. */
export function newRunInput(given: ThreadKey & Pick<RunInput, "invocation_id"> & Partial<RunInput>): RunInput {
  return {
    messages: [],
    tool_results: [],
    resume: null,
    agent_id: null,
    model: null,
    max_steps: null,
    metadata: {},
    background: false,
    on_busy: "enqueue",
    client_tools: [],
    context: [],
    ...given,
  };
}

export interface MessageRequest extends PageRequest {
  /** Empty means all types. */
  types: MessageType[];
  /** Only messages after the one with this id. */
  after: string | null;
  /** Also those that another run has superseded. Absent is false. */
  superseded?: boolean;
}

/** `is_cut`: it ended with `most` bytes, where a page may have more. */
export interface MessagePage extends Page<MessageRow> {
  is_cut: boolean;
}

/** `created` is false if the `invocation_id` was accepted before, or if the message steers an active run. */
export interface AcceptedRun {
  run: Run;
  created: boolean;
}

/** The agent's version that a run is pinned to. */
export interface PinnedAgent {
  agent_id: string;
  version: number;
  config: AgentConfig;
  /** The run's own limit, in place of the agent's. A run that resumes it keeps the limit. */
  max_steps?: number;
}

/**
 * RPC methods of a thread's object. Streams go through `fetch` instead:
 * - `POST https://thread/runs` with a `RunInput` accepts the run and streams it. With `?known=1` (AG-UI), a known
 *   `invocation_id` attaches to its run by a resync and the body is ignored.
 * - `GET https://thread/events?user_id&thread_id[&invocation_id][&after]` streams the thread or one run. With
 *   `may_end`, the answer is 204 if that run has ended and `after` is its last event or a later one. With `ticket`, who
 *   reads with the same one is cut.
 * - Both take `key_id` and `key_age`, the API key that the client sent and the milliseconds since it was known to hold.
 *   The stream is cut once the key no longer holds. Without `key_id` this is not checked.
 * - Both take `client`, for an AG-UI client: the ids that it sent, and whether it named a version of the protocol.
 * A failure of either is `application/json` `{error: Failure}` with the status of its code.
 */
export interface ThreadApi {
  /** Makes the thread; `already_exists` if it exists. D1 has it when this resolves. */
  create(input: ThreadCreation): Promise<Result<Thread>>;
  update(key: ThreadKey, patch: ThreadPatch): Promise<Result<Thread>>;
  /**
   * Ends what runs, deletes everything and leaves a tombstone. D1 follows, immediately if it is reachable. The same
   * `request_id` again is the same removal; any other call finds nothing.
   */
  remove(key: ThreadKey, request_id: string): Promise<Result<null>>;
  /** Stores input, order and idempotency hash, and resolves before the run starts. */
  accept(input: RunInput): Promise<Result<AcceptedRun>>;
  /**
   * Brings D1 up to date, before lists and sums are read there; does nothing if nothing is pending. False if D1 can't
   * follow now.
   */
  sync(key: ThreadKey): Promise<Result<boolean>>;
  readThread(key: ThreadKey): Promise<Result<ThreadWithRun>>;
  readPlan(key: ThreadKey): Promise<Result<Plan>>;
  /**
   * The plan with the work done for its tasks, or with what the server saw of them, of the same moment. Only the object
   * knows this. `most`: characters of receipts.
   */
  readLedger(key: ThreadKey, include: PlanDetails, most?: number): Promise<Result<PlanWithDetails>>;
  /**
   * A person's change of the plan: all operations or none; `version_conflict` or `invalid_operation`. D1 has it when
   * this resolves. The same `request_id` again is the same edit.
   */
  editPlan(key: ThreadKey, request: PlanEditRequest): Promise<Result<Plan>>;
  /** Starts, waits for or ends checks that a person has run again. What was seen is stored before it has ended. */
  callChecks(key: ThreadKey, call: CheckRunCall): Promise<Result<CheckRun | null>>;
  /** `most`: bytes of a shorter page, which may be empty. */
  readMessages(key: ThreadKey, request: MessageRequest, most?: number): Promise<Result<MessagePage>>;
  /**
   * The messages that wait, in the order in which runs will take them. Only the object knows them: they are no rows
   * yet.
   */
  readInbox(key: ThreadKey): Promise<Result<WaitingMessage[]>>;
  /** Changes a message that waits, and returns it. `not_found` once a run has taken it. */
  changeWaiting(key: ThreadKey, message_id: string, change: WaitingChange): Promise<Result<WaitingMessage>>;
  removeWaiting(key: ThreadKey, message_id: string): Promise<Result<null>>;
  readRuns(key: ThreadKey, request: PageRequest): Promise<Result<Page<Run>>>;
  getRun(key: ThreadKey, invocation_id: string): Promise<Result<Run>>;
  /** Resolves with the run once it has ended and was released, or with its current state after `timeout_ms`. */
  waitForEnd(key: ThreadKey, invocation_id: string, timeout_ms: number): Promise<Result<Run>>;
  /** Resolves when a stream is over, by the name that `fetch` answered with. One that is not known is over. */
  waitForStream(key: ThreadKey, name: string): Promise<Result<null>>;
  /** Ends a queued or running run. A run that has ended is returned as it is. */
  cancel(key: ThreadKey, invocation_id: string): Promise<Result<Run>>;
  /** Called by the queue: lets a background run start. Idempotent. */
  start(key: ThreadKey, invocation_id: string): Promise<Result<null>>;
  /** Called for a dead letter: ends the run as `failed` with `dead_letter`. Idempotent. */
  failDeadLetteredRun(key: ThreadKey, invocation_id: string): Promise<Result<null>>;
  /**
   * Called by the sweeper for runs that D1 has no recent news of. Resumes stale runs and returns the ids that this
   * object does not know.
   */
  resumeStaleRuns(key: ThreadKey, invocation_ids: string[]): Promise<Result<string[]>>;
  /**
   * Called by the sweeper for leases that D1 has as open. Returns what was spent of those whose run is over, and nothing
   * of those that this object has not used. Leases of a live run are left out.
   */
  closeLeases(key: ThreadKey, lease_ids: string[]): Promise<Result<ClosedLease[]>>;
  /**
   * Called by the clock for a thread that is old as far as D1 knows: removes it if nothing has happened in it since
   * `before`, and the rules as they are now say the same at the time `at`, in ms. False if it stays, or if D1 can't follow
   * or answer now.
   */
  expire(key: ThreadKey, before: string, at: number): Promise<Result<boolean>>;
  diagnose(key: ThreadKey): Promise<Result<Diagnostics>>;
}
