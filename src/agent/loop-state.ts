// What one life of a run holds in memory while it works. All of it can be rebuilt from what is stored.
import type { Receipt } from "../protocol/plan/check.ts";
import type { Plan } from "../protocol/plan/task.ts";
import {
  createRepetitionGuard,
  noReplies,
  type RepetitionGuard,
  type ReplyCounts,
  replayCalls,
} from "./calls/guards.ts";
import type { Owed } from "./checks/project/port.ts";
import { type ContextBudget, createBudget, messageLimit } from "./context/budget.ts";
import { Conversation } from "./context/conversation.ts";
import { RunPlace } from "./context/crowd.ts";
import { newTokenScales, planCall, type TokenScales } from "./context/planned-call.ts";
import type { LoopFact } from "./events.ts";
import { noProgress, type Progress } from "./plan/progress.ts";
import type { LoopInput, LoopPorts } from "./ports.ts";
import { type Equipment, equip } from "./prompt/equipment.ts";
import { createModelChain, type ModelChain } from "./reply/fallbacks.ts";
import { type PaidModel, payFor } from "./reply/paid-model.ts";
import type { CallSpending } from "./spending.ts";

export interface RunState extends Equipment {
  input: LoopInput;
  ports: LoopPorts;
  /** The run's models. Each call is reserved and settled. */
  model: PaidModel;
  scales: TokenScales;
  models: ModelChain;
  /** What the model is sent between the system prompt and the reminder. It only grows, until a summary replaces it. */
  conversation: Conversation;
  /** Among what the isolate's runs hold in memory. */
  place: RunPlace;
  budget: ContextBudget;
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
  /** Receipts of calls that have no result yet, by call id: a person's edit repeats the change, and no check. */
  checked: Map<string, Receipt[]>;
  /** Ids of checks that ran since the last call that may have changed anything. */
  fresh: Set<string>;
  /** Ids of checks whose protected files could not be hashed before the model worked on. */
  unprotected: Set<string>;
  /** What the tasks that a call completes owe to the project, by call id: it is looked up once. */
  owed: Map<string, Owed>;
  /** Whether a call of this run may have changed files. */
  hasWorked: boolean;
  /** The tree as the end of the run has seen it; null if it was not read since the last call that may have changed it. */
  tree: string | null;
  /** True once the outcome is known. A tool that was left behind may still work. */
  isOver: boolean;
  /** Set when `emit` or a reservation fails. The caller's storage is broken then, so the error must reach the caller. */
  emitFailure: { error: unknown } | null;
}

export function createRunState(input: LoopInput, ports: LoopPorts): RunState {
  const equipment = equip(input, ports.tools);
  const { tools } = equipment;
  const isPlanTool = (name: string) => tools.get(name)?.kind === "plan";
  const guard = createRepetitionGuard(isPlanTool);
  replayCalls(guard, input.history, (name) => tools.get(name)?.read_only ?? false, isPlanTool);
  const conversation = input.conversation ?? new Conversation(input);
  conversation.begin(messageLimit(input.context_tokens));
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
    ...equipment,
    models: createModelChain(input.model, input.agent.fallback_models),
    conversation,
    place: new RunPlace(),
    budget: createBudget(input.context_tokens, input.token_scale, input.agent.model_options.max_output_tokens),
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
    checked: new Map(),
    fresh: new Set(input.seen_checks),
    unprotected: new Set(),
    owed: new Map(),
    hasWorked: mayHaveWorked(input),
    tree: null,
    isOver: false,
    emitFailure: null,
  };
  return state;
}

/** An earlier life has stored a step, or has begun or made what a person approved. What that was is not looked up. */
function mayHaveWorked({ steps, started_calls, grants, history }: LoopInput): boolean {
  if (steps > 0 || started_calls.length > 0) return true;
  return grants.size > 0 && history.some((message) => message.role === "tool" && grants.has(message.tool_call_id));
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

/** `more`: another fact or the run's end follows, and nothing outside is asked or waited for before it. */
export async function store(state: RunState, fact: LoopFact, more = false): Promise<void> {
  try {
    await state.ports.emit(fact, more);
  } catch (error) {
    noteFailure(state, error);
    throw error;
  }
}

/** What the model has seen of the plan when it writes a message. */
export interface SeenPlan {
  /** The open tasks, the due one first. */
  task_ids: string[];
  /** The version of the plan up to which the request included a person's edits; null when it included none. */
  edits: number | null;
}
