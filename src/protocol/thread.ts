// A thread and what its object does for the doors: the contract of every call that crosses from a Worker to a Durable
// Object. Each method answers expected failures as values.
import type { AgentConfig } from "./agents/agent.ts";
import type { Chain } from "./chain.ts";
import type { Diagnostics } from "./diagnostics.ts";
import type { Result } from "./error.ts";
import type { WaitingMessage } from "./inbox.ts";
import type { MessageRow, MessageType, UserContent } from "./message.ts";
import type { MirrorPlace } from "./mirror.ts";
import type { Page, PageRequest } from "./page.ts";
import type { PlanEditRequest } from "./plan/edit.ts";
import type { Ledger } from "./plan/ledger.ts";
import type { Plan } from "./plan/task.ts";
import type { BusyPolicy, Run, RunStatus } from "./run.ts";

export interface Thread {
  thread_id: string;
  user_id: string;
  project_id: string;
  /** The person's own, else made of the first message with text; null until there is either. */
  title: string | null;
  agent_id: string;
  metadata: Record<string, unknown>;
  created_at: string;
  updated_at: string;
}

/** A thread as it is listed and read: with its newest run, null before the first. */
export interface ThreadWithRun extends Thread {
  last_run: LastRun | null;
}

export interface LastRun {
  invocation_id: string;
  status: RunStatus;
}

/** Who asks for which thread. The object refuses an owner that is not its own as `not_found`. */
export interface ThreadKey {
  user_id: string;
  thread_id: string;
}

export interface ThreadCreation extends ThreadKey {
  /** Minted by the door for each request: the same one again is the same creation. */
  request_id: string;
  /** Checked by the door to be the user's own; without one a project is made. */
  project_id: string | null;
  title: string | null;
  /** Checked by the door to exist. */
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

/** What any door hands in to start a run. */
export interface RunInput extends ThreadKey {
  invocation_id: string;
  messages: { message_id: string; content: UserContent }[];
  /** Results of client tools that an earlier run of this thread left pending (AG-UI). */
  tool_results: { message_id: string; tool_call_id: string; content: string }[];
  /**
   * Set where `messages` and `tool_results` are a client's whole history (AG-UI) and the door can't tell what is new.
   * The input then is the messages with unknown ids after the last known one, and the results of calls that are pending;
   * without either and without `resume` it is `empty_message`.
   */
  from_history?: boolean;
  /** Answers to the interrupts of the last run; null where the door does not answer any. */
  resume: InterruptAnswer[] | null;
  agent_id: string | null;
  model: string | null;
  max_steps: number | null;
  metadata: Record<string, unknown>;
  background: boolean;
  on_busy: BusyPolicy;
  /** What a thread without a title is called, where that is not the message's first line; null leaves it without. */
  title?: string | null;
  /**
   * Set where it is no word of a person to what the last run asked: a trigger's, or one that was meant to steer a run and came
   * too late. The question is then left unanswered.
   */
  answers_nothing?: boolean;
  /** The webhooks that led to it; absent where none did. */
  chain?: Chain;
  client_tools: ClientTool[];
  /** What a client wants known; quoted as data in the prompt. */
  context: { description: string; value: string }[];
  /** Where this thread's runs are shown as they happen, from this one on; without it that stays as it was. */
  follow?: MirrorPlace;
}

/** An input that asks for what it says and leaves the rest as most inputs have it. */
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
  /** Empty for all. */
  types: MessageType[];
  /** Only messages behind the one with this id. */
  after: string | null;
}

/** `created` is false where the same `invocation_id` had been accepted before, or the message steers an active run. */
export interface AcceptedRun {
  run: Run;
  created: boolean;
}

/** The agent that a run pins. */
export interface PinnedAgent {
  agent_id: string;
  version: number;
  config: AgentConfig;
  /** The run's own bound, in place of the agent's. The run that answers it has the same. */
  max_steps?: number;
}

/**
 * RPC surface of a thread's object. `fetch` is beside it, for what streams:
 * - `POST https://thread/runs` with a `RunInput`: accepts, then streams the run. `?known=1` (AG-UI): a known
 *   `invocation_id` is attached to by a resync, whatever the body says.
 * - `GET https://thread/events?user_id&thread_id[&invocation_id][&after]`: the stream of the thread or of one run.
 * A failure of either is answered as `application/json` `{error: Failure}` with the status of its code.
 */
export interface ThreadApi {
  /** Makes the thread; `already_exists` where it is there. D1 has it when this resolves. */
  create(input: ThreadCreation): Promise<Result<Thread>>;
  update(key: ThreadKey, patch: ThreadPatch): Promise<Result<Thread>>;
  /**
   * Ends what runs, deletes everything and leaves a tombstone; D1 follows, at once where it can. The same `request_id`
   * again is the same removal; any other call finds nothing.
   */
  remove(key: ThreadKey, request_id: string): Promise<Result<null>>;
  /** Stores input, order and idempotency hash; resolves before the run starts. */
  accept(input: RunInput): Promise<Result<AcceptedRun>>;
  /**
   * Brings D1 up to what this object knows; does nothing when nothing is pending. False where D1 can't follow just now: then
   * the `read…` methods answer what D1 would.
   */
  sync(key: ThreadKey): Promise<Result<boolean>>;
  readThread(key: ThreadKey): Promise<Result<Thread>>;
  readPlan(key: ThreadKey): Promise<Result<Plan>>;
  /** The plan with what was done for its tasks: both of one moment. Only the object can tell. */
  readLedger(key: ThreadKey): Promise<Result<{ plan: Plan; ledger: Ledger }>>;
  /**
   * A person's change of the plan, all or nothing: `version_conflict`, `invalid_operation`. D1 has it when this resolves. The
   * same `request_id` again is the same edit.
   */
  editPlan(key: ThreadKey, request: PlanEditRequest): Promise<Result<Plan>>;
  readMessages(key: ThreadKey, request: MessageRequest): Promise<Result<Page<MessageRow>>>;
  /** What waits, in the order in which it will be taken. Only the object can tell: none of it is a row yet. */
  readInbox(key: ThreadKey): Promise<Result<WaitingMessage[]>>;
  readRuns(key: ThreadKey, request: PageRequest): Promise<Result<Page<Run>>>;
  getRun(key: ThreadKey, invocation_id: string): Promise<Result<Run>>;
  /** Resolves with the run when it has ended and was released, or as it is after `timeout_ms`. */
  waitForEnd(key: ThreadKey, invocation_id: string, timeout_ms: number): Promise<Result<Run>>;
  /** Ends a queued or running run; an ended one is answered as it is. */
  cancel(key: ThreadKey, invocation_id: string): Promise<Result<Run>>;
  /** The queue's call: lets a background run start. Idempotent. */
  start(key: ThreadKey, invocation_id: string): Promise<Result<null>>;
  /** A dead letter's call: the run ends as `failed` with `dead_letter`. Idempotent. */
  bury(key: ThreadKey, invocation_id: string): Promise<Result<null>>;
  /** The sweeper's call for runs of which D1 has heard nothing: answers the ids that this object does not know. */
  poke(key: ThreadKey, invocation_ids: string[]): Promise<Result<string[]>>;
  diagnose(key: ThreadKey): Promise<Result<Diagnostics>>;
}
