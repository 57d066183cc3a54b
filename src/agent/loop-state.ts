// What one life of a run holds in memory while it works. Everything in it can be made again from what is stored.
import type { ChatMessage } from "../protocol/message.ts";
import type { Plan } from "../protocol/task.ts";
import { collectCallIds, toModelMessage } from "./context.ts";
import type { LoopFact } from "./events.ts";
import { createRepetitionGuard, noReplies, type RepetitionGuard, type ReplyCounts, replayCalls } from "./guards.ts";
import type { LoopInput, LoopPorts } from "./loop.ts";
import type { ToolDescription } from "./model.ts";
import { createModelChain, type ModelChain } from "./model-chain.ts";
import { noProgress, type Progress } from "./progress.ts";
import { buildSystemPrompt } from "./prompt.ts";
import type { Told } from "./told.ts";
import type { Tool } from "./tool.ts";
import { describeTool } from "./tool-arguments.ts";

export interface RunState {
  input: LoopInput;
  ports: LoopPorts;
  system: string;
  /** By name. */
  tools: Map<string, Tool>;
  /** Names of the client's tools that no tool of ours has. */
  clientTools: Set<string>;
  descriptions: ToolDescription[];
  models: ModelChain;
  /** What the model is sent between the system prompt and the reminder; only ever grows. */
  messages: ChatMessage[];
  usedCallIds: Set<string>;
  /** Read anew each time: a person may have changed it. */
  readonly plan: Plan;
  told: Told;
  /** Version of the plan when the person spoke last; null in a later life of the run. */
  planAtStart: number | null;
  /** Tasks whose completion was sent back for want of evidence. */
  challenged: Set<string>;
  steps: number;
  guard: RepetitionGuard;
  replies: ReplyCounts;
  progress: Progress;
  /** Said to the model at the next call, then forgotten. */
  nudge: string | null;
  /** The last text of the run; the result of a run that ends without saying anything. */
  lastText: string;
  /** Set where `emit` has failed: the run's surroundings are broken, and nothing may be hidden from them. */
  emitFailure: { error: unknown } | null;
}

export function createRunState(input: LoopInput, ports: LoopPorts): RunState {
  const names = input.agent.tools;
  const own = ports.tools.filter((tool) => tool.kind !== "work" || names === null || names.includes(tool.name));
  const tools = new Map(own.map((tool) => [tool.name, tool]));
  // Our names are ours also where the agent may not use them.
  const offered = input.client_tools.filter(({ name }) => !ports.tools.some((tool) => tool.name === name));
  const guard = createRepetitionGuard();
  replayCalls(guard, input.history, (name) => tools.get(name)?.read_only ?? false);
  return {
    input,
    ports,
    system: buildSystemPrompt({ agent: input.agent, context: input.context }),
    tools,
    clientTools: new Set(offered.map((tool) => tool.name)),
    descriptions: [...own.map(describeTool), ...offered],
    models: createModelChain(input.model, input.agent.fallback_models),
    messages: [],
    usedCallIds: collectCallIds(input.history),
    get plan() {
      return ports.readPlan();
    },
    told: { task_id: null, edits: null },
    planAtStart: input.steps > 0 ? null : ports.readPlan().version,
    challenged: new Set(),
    steps: input.steps,
    guard,
    replies: noReplies,
    progress: noProgress,
    nudge: null,
    lastText: findLastText(input),
    emitFailure: null,
  };
}

function findLastText({ history, steps }: LoopInput): string {
  if (steps === 0) return "";
  const recent = history.slice(history.findLastIndex((message) => message.role === "user") + 1);
  const last = recent.findLast((message) => message.role === "assistant" && message.content?.trim());
  return last?.role === "assistant" ? (last.content ?? "") : "";
}

export async function store(state: RunState, fact: LoopFact): Promise<void> {
  try {
    await state.ports.emit(fact);
  } catch (error) {
    state.emitFailure = { error };
    throw error;
  }
}

export function remember(state: RunState, message: ChatMessage): void {
  const shown = toModelMessage(message);
  if (shown) state.messages.push(shown);
}
