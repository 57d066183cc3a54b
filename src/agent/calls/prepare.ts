// Decides what happens to a call before it runs: it is refused, answered, shown to a person, left to the client, or
// ready.
import { cutEnd } from "../../lib/truncate.ts";
import type { ToolCall } from "../../protocol/message.ts";
import type { RefusedBefore } from "../checks/refused-before.ts";
import type { RunState } from "../loop-state.ts";
import { describePlan } from "../plan/view.ts";
import type { Question, Tool, ToolResult } from "../tool.ts";
import { askFirst } from "./consent.ts";
import type { CallsEnd } from "./end.ts";
import { readMalformed } from "./malformed-call.ts";
import { checkArguments } from "./tool-arguments.ts";
import { QUESTION_OPEN } from "./waiting.ts";

/** How much of the arguments that a person changed is shown. The model knows most of them from its own call. */
const SHOWN_CHANGES = 2_000;

export interface RunnableCall {
  kind: "run";
  call: ToolCall;
  tool: Tool;
  input: unknown;
  /** The arguments that a person approved instead of the model's. */
  changed?: Record<string, unknown>;
}

export type Prepared =
  | RunnableCall
  /** A person decides before the call is made. `ready`: what is made then, where the question may have to say more. */
  | { kind: "asked"; call: ToolCall; question: Question; ready?: RunnableCall }
  | { kind: "answered"; call: ToolCall; result: ToolResult }
  /** The run was cancelled before the call's turn. */
  | { kind: "cancelled"; call: ToolCall }
  | { kind: "client"; call: ToolCall };

/** The call may depend on what the person has not approved yet. */
const BEHIND_APPROVAL =
  "not executed: a call before it waits for the person's approval. Call it again after that, if it is still right.";

const BEHIND_FAILED_CHECK =
  "not executed: a check of the task that a call before it completes has failed. Mend that first; call it again after that, if it is still right.";

/** What is special about these calls: their message was cut at the output limit, or they have answers and don't run. */
export interface CallsOptions {
  cut?: boolean;
  /** By call id. */
  answers?: Map<string, ToolResult>;
  /** What calls of the same message have said that a former life has made. */
  refused?: RefusedBefore;
}

export function prepareCall(call: ToolCall, state: RunState, options: CallsOptions, end: CallsEnd): Prepared {
  const { name } = call.function;
  const grant = state.input.grants.get(call.id);
  const changed = grant?.arguments ?? undefined;
  const written = changed ? JSON.stringify(changed) : call.function.arguments;
  const answer = (result: ToolResult): Prepared => ({ kind: "answered", call, result });
  const refuse = (content: string): Prepared => answer({ content, is_error: true });
  const given = options.answers?.get(call.id);
  if (given) return answer(given);
  if (state.ports.signal.aborted) return { kind: "cancelled", call };
  if (end.fatal) return refuse("not executed: the run could not go on.");
  if (end.check_failed) return refuse(BEHIND_FAILED_CHECK);
  const malformed = readMalformed(written);
  if (malformed !== null) return refuse(malformed);
  const tool = state.tools.get(name);
  if (!tool && state.clientTools.has(name)) return { kind: "client", call };
  if (!tool) return refuse(describeUnknown(name, state));
  try {
    const repeated = state.guard.check(name, written);
    // A call that a person has approved is not a repetition.
    if (repeated && !grant) return refuse(repeated);
    const checked = checkArguments(tool, written, options.cut ?? false);
    if (!checked.ok) return refuse(checked.message);
    const barred = findBarred(tool, checked.input, state);
    if (barred) return refuse(barred);
    const question = grant ? null : askFirst(tool, checked.input, state.input.agent, state.plan);
    if (question) return { kind: "asked", call, question, ready: { kind: "run", call, tool, input: checked.input } };
    if (end.interrupts.some(({ reason }) => reason !== "question")) return refuse(BEHIND_APPROVAL);
    // A second question may stand beside the first.
    if (end.interrupts.length > 0 && tool.kind !== "control") return refuse(QUESTION_OPEN);
    return { kind: "run", call, tool, input: checked.input, ...(changed ? { changed } : {}) };
  } catch (error) {
    state.ports.onBug?.(`arguments of ${name}`, error);
    return refuse(`internal error in tool ${name}.`);
  }
}

/** A check must not run commands for a model that has none, nor ask addresses that it may not read. */
function findBarred(tool: Tool, input: unknown, state: RunState): string | null {
  for (const address of tool.plansAddresses?.(input, state.plan) ?? []) {
    const why = barAddress(address, state);
    if (why !== null) return `${tool.name} was not called: a check can't ask ${cutEnd(address, 100)}. ${why}`;
  }
  if (!tool.plansCommands || state.tools.has("execute_command")) return null;
  const [command] = tool.plansCommands(input, state.plan);
  if (command === undefined) return null;
  return `${tool.name} was not called: you have no tool for commands, so a check can't run one (${JSON.stringify(cutEnd(command, 100))}). Use checks of the types file, http, git and person.`;
}

function barAddress(address: string, { tools, ports }: RunState): string | null {
  const reader = [...tools.values()].find(({ barsAddress }) => barsAddress !== undefined);
  if (reader?.barsAddress) return reader.barsAddress(address, ports.sources);
  return "You have no tool that reads addresses. Use port for a program in the sandbox.";
}

/**
 * Shows the model the arguments that a person approved instead of its own. For a plan tool that is the plan as they made
 * it, with its ids: the model knows another one.
 */
export function withChanges(result: ToolResult, { tool, changed }: RunnableCall, state: RunState): ToolResult {
  if (!changed) return result;
  if (tool.kind === "plan") {
    if (result.is_error) return result;
    state.nudge = `The person changed the plan before approving it. Work from the plan as ${tool.name} has answered it.`;
    const note = "The person changed the plan before approving it. This is the plan.";
    return { ...result, content: JSON.stringify({ ...describePlan(result.plan ?? state.plan), note }) };
  }
  const shown = cutEnd(JSON.stringify(changed), SHOWN_CHANGES);
  return { ...result, content: `(The person approved this call with other arguments: ${shown})\n${result.content}` };
}

function describeUnknown(name: string, state: RunState): string {
  const names = [...state.tools.keys(), ...state.clientTools].join(", ");
  return `There is no tool ${JSON.stringify(name)}. The tools are: ${names || "none"}.`;
}
