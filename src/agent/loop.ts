// The agent loop: model call, tools, model call, until the run ends. Pure over its ports: no I/O of its own.
import type { AgentConfig } from "../protocol/agent.ts";
import type { ChatMessage } from "../protocol/message.ts";
import type { Plan } from "../protocol/task.ts";
import type { ClientTool } from "../protocol/thread.ts";
import type { LoopDelta, LoopFact, LoopOutcome, SteeredMessage } from "./events.ts";
import type { Model } from "./model.ts";
import type { Sandbox } from "./sandbox.ts";
import type { Tool } from "./tool.ts";

export interface LoopInput {
  model: string;
  agent: AgentConfig;
  /** Most model calls of the whole run, and how many earlier lives have made. */
  max_steps: number;
  steps: number;
  /** Every LLM message of the thread in order, without a system prompt. May end in tool calls without results. */
  history: ChatMessage[];
  /** Ids of calls at the end of `history` that had begun when the former life ended. */
  started_calls: string[];
  plan: Plan;
  client_tools: ClientTool[];
  context: { description: string; value: string }[];
}

export interface LoopPorts {
  model: Model;
  tools: Tool[];
  sandbox: Sandbox;
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
}

export async function runAgent(_input: LoopInput, _ports: LoopPorts): Promise<LoopOutcome> {
  throw new Error("being written");
}
