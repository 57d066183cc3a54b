// What the loop receives, and the ports through which it does everything. The caller owns both.
import type { AgentConfig } from "../protocol/agents/agent.ts";
import type { Ledger } from "../protocol/plan/ledger.ts";
import type { Plan } from "../protocol/plan/task.ts";
import type { ClientTool } from "../protocol/thread.ts";
import type { Grant } from "./calls/consent.ts";
import type { ProjectPort } from "./checks/project/port.ts";
import type { CheckRunner } from "./checks/runner.ts";
import type { Conversation } from "./context/conversation.ts";
import type { Summary } from "./context/summary.ts";
import type { LoopDelta, LoopFact, SteeredMessage } from "./events.ts";
import type { Model, ModelMessage } from "./model.ts";
import type { UnseenEdits } from "./plan/unseen-edits.ts";
import type { Introduction, Sandbox } from "./sandbox.ts";
import type { Sources } from "./sources.ts";
import type { Spending } from "./spending.ts";
import type { RunCache, TakeUse, Tool } from "./tool.ts";

export interface LoopInput {
  model: string;
  agent: AgentConfig;
  /** The largest number of model calls in the whole run, and how many of them earlier lives have made. */
  max_steps: number;
  steps: number;
  /** Whether the operator has set `max_steps`, so that nobody who reads of it can raise it. */
  is_ceiling?: boolean;
  /**
   * Every LLM message of the thread since `summary`, in order, without a system prompt. The last ones may be tool calls
   * without results.
   */
  history: readonly ModelMessage[];
  /**
   * The same, with `summary` and `opening`, as an earlier run of this life has left it. The run adds to it. Absent, it
   * is built anew.
   */
  conversation?: Conversation;
  /** Results in `history` that contain a person's answer: by call id, the offset at which the person's words start. */
  answers: ReadonlyMap<string, number>;
  /** Replaces everything before `history`; null if there is nothing before it. */
  summary: Summary | null;
  /** What stood in front of the messages that `summary` replaces, and still holds. */
  opening: readonly string[];
  /** The model's context window, in tokens: what it reads and writes in one call. */
  context_tokens: number;
  /** The model's largest token count divided by our estimate, as measured in this thread; 1 if it never was. */
  token_scale: number;
  /** Ids of calls at the end of `history` that had started when the previous life ended. */
  started_calls: string[];
  /**
   * Checks that a former life of the run has run since its last message, by id: the end of this one needs no other
   * look.
   */
  seen_checks?: readonly string[];
  /** Calls at the end of `history` that a person has approved, by id. */
  grants: ReadonlyMap<string, Grant>;
  /** How long a person may take to answer; null is without limit. */
  interrupt_ms: number | null;
  /** The open tasks that the model saw when it made the calls at the end of `history`, the due one first. */
  seen_task_ids: string[];
  /** The sources of the tools that the calls at the end of `history` were meant for, by call id. */
  call_sources: ReadonlyMap<string, string>;
  /** Whether no task was open when a person last spoke. */
  is_former_plan: boolean;
  client_tools: ClientTool[];
  /** What people have answered to the questions at the end of the run before, if this run continues from there. */
  answered?: AnsweredQuestions | null;
  /** Sources whose tools this run lacks because they could not be listed just now. */
  unavailable_sources: string[];
  context: { description: string; value: string }[];
}

/**
 * How the run continues after its questions: with a task for the model, or with the text with which it would have
 * ended.
 */
export interface AnsweredQuestions {
  text: string;
  /** For the model; null if nothing is left to do. */
  nudge: string | null;
}

export interface LoopPorts {
  model: Model;
  /** What its calls may cost. */
  spending: Spending;
  /** The tools of this life of the run. */
  tools: Tool[];
  sandbox: Sandbox;
  /** Runs the checks of tasks. Absent, none can run. */
  checks?: CheckRunner;
  /** The project's own checks. Absent, it has none. */
  project?: ProjectPort;
  /** The plan as stored. A fact with a plan changes it, and a person may change it between any two awaits. */
  readPlan: () => Plan;
  /** A person's edits of the plan that the model has not seen. A reply with `seen_edits` clears them. */
  readUnseenEdits: () => UnseenEdits | null;
  /** What was done for each task so far, as stored. It reads every row of the thread, so call it rarely. */
  readLedger: () => Ledger;
  /**
   * What the model learns once of the sandbox that a call has just used; null if it knows, or none was used. Never
   * rejects, and takes a few seconds at most.
   */
  introduceSandbox?: () => Promise<Introduction | null>;
  /** A result of this thread with its middle; null if none is kept under that id. */
  readResult: (tool_call_id: string) => string | null;
  sources: Sources;
  cache: RunCache;
  takeUse: TakeUse;
  onDelta: (delta: LoopDelta) => void;
  /**
   * Resolves when the fact is stored. A reply without calls, which probably ends the run, may be held, and so may a
   * fact with `more`, after which the next comes in the same turn of the event loop. What is held is stored with the
   * next fact or the end, before a model is asked, and before it is read.
   */
  emit: (fact: LoopFact, more?: boolean) => Promise<void>;
  /** Stores what is held: before anything outside is asked by other ways than a model's or a started tool's. */
  storeHeld?: () => void;
  /**
   * Messages that a person has added since the last call. The loop calls it before each model call and before the run
   * would end.
   */
  takeSteered: () => Promise<SteeredMessage[]>;
  newMessageId: () => string;
  now: () => number;
  /** Resolves after `ms`, or at once when the signal aborts. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Aborts when the run is cancelled. */
  signal: AbortSignal;
  /**
   * For the operator's log: an error from code that must not throw. Its text may contain anything, so readers of the
   * run never see it.
   */
  onBug?: (where: string, error: unknown) => void;
}
