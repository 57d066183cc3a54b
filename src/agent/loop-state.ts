// What one life of a run holds in memory while it works. All of it can be rebuilt from what is stored.
import type { Plan } from "../protocol/plan/task.ts";
import {
  createRepetitionGuard,
  noReplies,
  type RepetitionGuard,
  type ReplyCounts,
  replayCalls,
} from "./calls/guards.ts";
import { describeTool } from "./calls/tool-arguments.ts";
import { type ContextBudget, createBudget, messageLimit } from "./context/budget.ts";
import { collectCallIds, repairHistory, toModelMessage } from "./context/history.ts";
import { newTokenScales, planCall, type TokenScales } from "./context/planned-call.ts";
import { withPreamble } from "./context/preamble.ts";
import { shortenMessage } from "./context/shortening.ts";
import type { Summary } from "./context/summary.ts";
import { estimateMessage, estimateMessages, estimateText, estimateTools } from "./context/tokens.ts";
import type { LoopFact } from "./events.ts";
import type { ModelMessage, ToolDescription } from "./model.ts";
import { noProgress, type Progress } from "./plan/progress.ts";
import type { LoopInput, LoopPorts } from "./ports.ts";
import { buildSystemPrompt } from "./prompt/prompt.ts";
import { createModelChain, type ModelChain } from "./reply/fallbacks.ts";
import { type PaidModel, payFor } from "./reply/paid-model.ts";
import type { CallSpending } from "./spending.ts";
import type { Tool } from "./tool.ts";

export interface RunState {
  input: LoopInput;
  ports: LoopPorts;
  /** The run's models. Each call is reserved and settled. */
  model: PaidModel;
  scales: TokenScales;
  system: Extract<ModelMessage, { role: "system" }>;
  /** By name. */
  tools: Map<string, Tool>;
  /** Names of the client's tools, without those that the server's own tools have. */
  clientTools: Set<string>;
  descriptions: ToolDescription[];
  models: ModelChain;
  /** The thread's LLM rows since `summary`, as they are stored. */
  rows: ModelMessage[];
  /** Replaces all earlier rows. */
  summary: Summary | null;
  /** What was told in front of earlier messages and still holds, in front of `summary`. */
  opening: readonly string[];
  /** The model sees at most `tokens` tokens of each of the first `count` rows. */
  limited: { count: number; tokens: number };
  /** What the model is sent between the system prompt and the reminder. It only grows, until a summary replaces it. */
  messages: ModelMessage[];
  /** Estimated tokens of `messages`, and of everything else in a request. */
  size: number;
  fixed_size: number;
  budget: ContextBudget;
  /** Null when the ids of the thread's earlier calls are not all known. */
  usedCallIds: Set<string> | null;
  /** Read from storage each time, because a person may have changed it. */
  readonly plan: Plan;
  seen: SeenPlan;
  /** True when no task has been open since the person's latest message: the plan does not cover what they want now. */
  isFormerPlan: boolean;
  steps: number;
  guard: RepetitionGuard;
  replies: ReplyCounts;
  progress: Progress;
  /** Sent with the next model call, once. */
  nudge: string | null;
  /** The latest text of the model in this run. It is the result of a run that ends without a text. */
  lastText: string;
  /** True once the outcome is known. A tool that was left behind may still work. */
  isOver: boolean;
  /** Set when `emit` or a reservation fails. The caller's storage is broken then, so the error must reach the caller. */
  emitFailure: { error: unknown } | null;
}

export function createRunState(input: LoopInput, ports: LoopPorts): RunState {
  const names = input.agent.tools;
  const own = ports.tools.filter((tool) => tool.kind !== "work" || names === null || names.includes(tool.name));
  const tools = new Map(own.map((tool) => [tool.name, tool]));
  // A client can't use the name of a server's tool, even if the agent may not use that tool.
  const offered = input.client_tools.filter(({ name }) => !ports.tools.some((tool) => tool.name === name));
  const isPlanTool = (name: string) => tools.get(name)?.kind === "plan";
  const guard = createRepetitionGuard(isPlanTool);
  replayCalls(guard, input.history, (name) => tools.get(name)?.read_only ?? false, isPlanTool);
  const namesOf = (isForeign: boolean) =>
    own.filter(({ source }) => (source !== undefined) === isForeign).map(({ name }) => name);
  const { agent, context } = input;
  const named = { tool_names: namesOf(false), foreign_tools: namesOf(true) };
  const system = buildSystemPrompt({ agent, context, ...named });
  const descriptions = [...own.map(describeTool), ...offered];
  const { summary } = input;
  const scales = newTokenScales(input.model, input.token_scale);
  const state: RunState = {
    input,
    ports,
    model: payFor(
      ports.model,
      stored(ports.spending, (error) => noteFailure(state, error)),
      (request) => planCall(request, scales, input.agent.tool_format),
    ),
    scales,
    system: { role: "system", content: system },
    tools,
    clientTools: new Set(offered.map((tool) => tool.name)),
    descriptions,
    models: createModelChain(input.model, input.agent.fallback_models),
    rows: [...input.history],
    summary,
    opening: input.opening,
    limited: { count: summary?.kept ?? 0, tokens: summary?.message_limit ?? 0 },
    messages: [],
    size: 0,
    fixed_size: estimateText(system) + estimateTools(descriptions),
    budget: createBudget(input.context_tokens, input.token_scale, input.agent.model_options.max_output_tokens),
    usedCallIds: summary === null ? collectCallIds(input.history) : null,
    get plan() {
      return ports.readPlan();
    },
    seen: { task_ids: input.seen_task_ids, edits: null },
    isFormerPlan: input.is_former_plan,
    steps: input.steps,
    guard,
    replies: noReplies,
    progress: noProgress,
    nudge: describeUnavailable(input.unavailable_sources),
    lastText: findLastText(input),
    isOver: false,
    emitFailure: null,
  };
  return state;
}

function noteFailure(state: RunState, error: unknown): void {
  state.emitFailure = { error };
}

/** A reservation that can't be stored is no outcome of the run. */
function stored(spending: CallSpending, onFailure: (error: unknown) => void): CallSpending {
  return {
    reserve: async (call, signal) => {
      try {
        return await spending.reserve(call, signal);
      } catch (error) {
        onFailure(error);
        throw error;
      }
    },
    settle: (call_id, usage) => spending.settle(call_id, usage),
    giveUp: (call_id, is_charged) => spending.giveUp(call_id, is_charged),
  };
}

function describeUnavailable(sources: string[]): string | null {
  if (sources.length === 0) return null;
  return `The tools of ${sources.join(", ")} can't be reached just now. Go on without them. If the work needs them, say so to the person.`;
}

function findLastText({ history, summary, steps }: LoopInput): string {
  if (steps === 0) return "";
  const asked = history.findLastIndex((message) => message.role === "user");
  const last = history.slice(asked + 1).findLast((message) => message.role === "assistant" && message.content?.trim());
  if (last?.role === "assistant") return last.content ?? "";
  return asked < 0 ? (summary?.last_text ?? "") : "";
}

export async function store(state: RunState, fact: LoopFact): Promise<void> {
  try {
    await state.ports.emit(fact);
  } catch (error) {
    noteFailure(state, error);
    throw error;
  }
}

export function remember(state: RunState, message: ModelMessage): void {
  state.rows.push(message);
  const shown = toModelMessage(shortenMessage(message, messageLimit(state.input.context_tokens)));
  if (!shown) return;
  state.messages.push(shown);
  state.size += estimateMessage(shown);
}

/**
 * Rebuilds the messages for the model from the summary and the rows. `expected` holds the ids of calls whose results
 * are still to come.
 */
export function showRows(state: RunState, expected?: ReadonlySet<string>): void {
  const usual = messageLimit(state.input.context_tokens);
  const { count, tokens } = state.limited;
  const shown = state.rows.map((row, at) => shortenMessage(row, at < count ? Math.min(tokens, usual) : usual));
  const before = state.summary === null ? [] : [openWith(state.opening, state.summary)];
  state.messages = [...before, ...repairHistory(shown, expected)];
  state.size = estimateMessages(state.messages);
}

function openWith(opening: readonly string[], { message }: Summary): ModelMessage {
  return opening.length === 0 ? message : withPreamble({ ...message, preamble: opening.join("\n\n") });
}

/** What the model has seen of the plan when it writes a message. */
export interface SeenPlan {
  /** The open tasks, the due one first. */
  task_ids: string[];
  /** The version of the plan up to which the request included a person's edits; null when it included none. */
  edits: number | null;
}
