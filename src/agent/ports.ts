// What the loop is given, and what it does nothing without: whoever runs it owns both.
import type { AgentConfig } from "../protocol/agents/agent.ts";
import type { ChatMessage } from "../protocol/message.ts";
import type { Ledger } from "../protocol/plan/ledger.ts";
import type { Plan } from "../protocol/plan/task.ts";
import type { ClientTool } from "../protocol/thread.ts";
import type { Grant } from "./calls/consent.ts";
import type { Summary } from "./context/summary.ts";
import type { LoopDelta, LoopFact, SteeredMessage } from "./events.ts";
import type { Model } from "./model.ts";
import type { EditNews } from "./plan/unseen-edits.ts";
import type { Sandbox } from "./sandbox.ts";
import type { Tool } from "./tool.ts";

export interface LoopInput {
  model: string;
  agent: AgentConfig;
  /** Most model calls of the whole run, and how many earlier lives have made. */
  max_steps: number;
  steps: number;
  /** Every LLM message of the thread since `summary`, in order, without a system prompt. May end in tool calls without results. */
  history: ChatMessage[];
  /** Results in `history` that hold what a person answered: by call id, where in them their words begin. */
  answers: ReadonlyMap<string, number>;
  /** Stands for what was said before; null where that is nothing. */
  summary: Summary | null;
  /** How many tokens the model reads and writes in one call. */
  context_tokens: number;
  /** The provider's count of tokens by ours, as the thread last met it; 1 where it has not. */
  token_scale: number;
  /** Ids of calls at the end of `history` that had begun when the former life ended. */
  started_calls: string[];
  /** Calls at the end of `history` that a person has approved, by id. */
  grants: ReadonlyMap<string, Grant>;
  /** How long a person may take to answer; null is for ever. */
  interrupt_ms: number | null;
  /** The task that the model was told of before it made the calls at the end of `history`; null where that was none. */
  told_task_id: string | null;
  /** Whether no task was open any more when a person spoke last. */
  is_former_plan: boolean;
  client_tools: ClientTool[];
  /** Sources whose tools are not among the run's, since they could not be listed just now. */
  unavailable_sources: string[];
  context: { description: string; value: string }[];
}

export interface LoopPorts {
  model: Model;
  /** Of this life of the run. */
  tools: Tool[];
  sandbox: Sandbox;
  /** The plan as it is stored. A fact with a plan changes it, and so may a person, between any two awaits. */
  readPlan: () => Plan;
  /** What a person changed in it that the model was not told yet; a reply that says `told_edits` ends it. */
  readNews: () => EditNews | null;
  /** What was done for each task so far, as it is stored. It reads every row of the thread: for rare questions. */
  readLedger: () => Ledger;
  /** A result of this thread as it was before its middle was cut; null where there is none under that id. */
  readResult: (tool_call_id: string) => string | null;
  onDelta: (delta: LoopDelta) => void;
  /** Resolves when the fact is stored. */
  emit: (fact: LoopFact) => Promise<void>;
  /** Messages that a person added since the last call; asked before each model call and before the run would end. */
  takeSteered: () => Promise<SteeredMessage[]>;
  newMessageId: () => string;
  now: () => number;
  /** Resolves after `ms`, or at once when the signal aborts. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Aborts when the run is cancelled. */
  signal: AbortSignal;
  /** For the operator's log: what threw although it may not. Its text may hold anything, so no reader sees it. */
  onBug?: (where: string, error: unknown) => void;
}
