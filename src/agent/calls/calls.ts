// The tool calls of one message. They run in order; neighbours that only read run side by side. Each gets exactly one
// result, or waits: for a person's answer (an interrupt) or for the client whose tool it is. Nothing is left without either.
import { cutEnd } from "../../lib/truncate.ts";
import type { ToolCall } from "../../protocol/message.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import type { Interrupt } from "../../protocol/run.ts";
import { type RunState, remember, store } from "../loop-state.ts";
import { beginWork, challengeChange, noteChange } from "../plan/task-tracking.ts";
import type { Question, Tool, ToolResult } from "../tool.ts";
import { askFirst } from "./consent.ts";
import { readMalformed } from "./malformed-call.ts";
import { abandonCall, CANCELLED_RESULT, runTool } from "./run.ts";
import { withNotice } from "./sandbox-notice.ts";
import { checkArguments } from "./tool-arguments.ts";

/** Reads side by side; a Worker has six connections, and the rest of the object needs some. */
const MAX_SIDE_BY_SIDE = 4;

/** Of arguments that a person changed; the model has most of them from its own call. */
const SHOWN_CHANGES = 2_000;

/** A plan tool needs no time, so a person's edit falls into it hardly ever; what is still stale then is refused where it is stored. */
const MAX_REMADE = 3;

/** How the calls of a message ended; the first that is set decides what becomes of the run. */
export interface CallsEnd {
  cancelled: boolean;
  fatal: { code: "sandbox_error"; message: string } | null;
  interrupts: Interrupt[];
  complete: string | null;
  pending_tool_call_ids: string[];
  /** Calls of tools for work that succeeded, and calls that changed the plan. */
  worked: number;
  plan_changes: number;
}

interface RunnableCall {
  kind: "run";
  call: ToolCall;
  tool: Tool;
  input: unknown;
  /** The arguments that a person approved in place of the model's. */
  changed?: Record<string, unknown>;
}

type Prepared =
  | RunnableCall
  /** A person is asked before it is made. */
  | { kind: "asked"; call: ToolCall; question: Question }
  | { kind: "answered"; call: ToolCall; result: ToolResult }
  /** The run was cancelled before this call had its turn. */
  | { kind: "cancelled"; call: ToolCall }
  | { kind: "client"; call: ToolCall };

/** It may depend on what the person has not approved yet. */
const BEHIND_APPROVAL =
  "not executed: a call before it waits for the person's approval. Call it again after that, if it is still right.";

/** What is special about these calls: their message was cut at the output limit, or they are answered without being run. */
export interface CallsManner {
  cut?: boolean;
  /** By call id. */
  answers?: Map<string, ToolResult>;
}

export async function runCalls(calls: ToolCall[], state: RunState, manner: CallsManner = {}): Promise<CallsEnd> {
  const end: CallsEnd = {
    cancelled: false,
    fatal: null,
    interrupts: [],
    complete: null,
    pending_tool_call_ids: [],
    worked: 0,
    plan_changes: 0,
  };
  const waiting = new Map<ToolCall, "person" | "client">();
  let at = 0;
  while (at < calls.length) {
    const group = takeGroup(calls, at, state, manner, end);
    at += group.length;
    await runGroup(group, state, end, waiting);
  }
  await settleWaiting(waiting, state, end);
  return end;
}

/** The next call, with the neighbours that may run beside it. */
function takeGroup(calls: ToolCall[], at: number, state: RunState, manner: CallsManner, end: CallsEnd): Prepared[] {
  const group: Prepared[] = [];
  for (const call of calls.slice(at, at + MAX_SIDE_BY_SIDE)) {
    const reads = state.tools.get(call.function.name)?.read_only ?? false;
    if (group.length > 0 && !reads) break;
    const prepared = prepareCall(call, state, manner, end);
    group.push(prepared);
    // What is behind a call that waits for approval may depend on it, so it does not run beside it either.
    if (!reads || prepared.kind === "asked") break;
  }
  return group;
}

function prepareCall(call: ToolCall, state: RunState, manner: CallsManner, end: CallsEnd): Prepared {
  const { name } = call.function;
  const grant = state.input.grants.get(call.id);
  const changed = grant?.arguments ?? undefined;
  const written = changed ? JSON.stringify(changed) : call.function.arguments;
  const answer = (result: ToolResult): Prepared => ({ kind: "answered", call, result });
  const refuse = (content: string): Prepared => answer({ content, is_error: true });
  const given = manner.answers?.get(call.id);
  if (given) return answer(given);
  if (state.ports.signal.aborted) return { kind: "cancelled", call };
  if (end.fatal) return refuse("not executed: the run could not go on.");
  const malformed = readMalformed(written);
  if (malformed !== null) return refuse(malformed);
  const tool = state.tools.get(name);
  if (!tool && state.clientTools.has(name)) return { kind: "client", call };
  if (!tool) return refuse(describeUnknown(name, state));
  try {
    const repeated = state.guard.check(name, written);
    // What a person has approved goes in no circle.
    if (repeated && !grant) return refuse(repeated);
    const checked = checkArguments(tool, written, manner.cut ?? false);
    if (!checked.ok) return refuse(checked.message);
    const question = grant ? null : askFirst(tool, checked.input, state.input.agent, state.plan);
    if (question) return { kind: "asked", call, question };
    if (end.interrupts.some(({ reason }) => reason !== "question")) return refuse(BEHIND_APPROVAL);
    return { kind: "run", call, tool, input: checked.input, ...(changed ? { changed } : {}) };
  } catch (error) {
    state.ports.onBug?.(`arguments of ${name}`, error);
    return refuse(`internal error in tool ${name}.`);
  }
}

async function runGroup(
  group: Prepared[],
  state: RunState,
  end: CallsEnd,
  waiting: Map<ToolCall, "person" | "client">,
): Promise<void> {
  for (const prepared of group) if (prepared.kind === "run") await announce(prepared.call, prepared.tool, state);
  const results = group.map((prepared) => execute(prepared, state));
  for (const [place, prepared] of group.entries()) {
    let result = await results[place];
    // From the last look on nothing is awaited before the fact is stored.
    for (let again = 0; isStale(result, state) && again < MAX_REMADE; again++) result = await execute(prepared, state);
    if (!result) waiting.set(prepared.call, "client");
    else if (result.interrupt && !result.is_error) {
      waiting.set(prepared.call, "person");
      end.interrupts.push(nameQuestion(result.interrupt, prepared.call, state));
    } else await finishCall(prepared, result, state, end);
  }
}

/**
 * The same call asked again by another life is the same interrupt. A call that was approved and then asks the person
 * itself is another one: a late approval must not answer its question.
 */
function nameQuestion(question: Question, { id }: ToolCall, { input, ports }: RunState): Interrupt {
  const { interrupt_ms } = input;
  const expires_at = interrupt_ms === null ? null : new Date(ports.now() + interrupt_ms).toISOString();
  const { reason, message, response_schema } = question;
  const asked = input.grants.has(id) ? `${id}~2` : id;
  return { id: `int_${asked}`, reason, message, tool_call_id: id, response_schema, expires_at };
}

/** Whether the result holds a plan that was made of one which a person has changed since: it would undo that change. */
function isStale(result: ToolResult | null | undefined, { plan }: RunState): boolean {
  return result?.plan !== undefined && result.plan.version !== plan.version + 1;
}

/** Stored just before the tool's first request, so that a next life knows that the call may have had an effect. */
async function announce(call: ToolCall, tool: Tool, state: RunState): Promise<void> {
  const work = tool.kind === "work" ? beginWork(state) : {};
  await store(state, { type: "tool_started", tool_call_id: call.id, name: tool.name, ...work });
}

/** Null for a client's call, whose result is not ours to give. */
async function execute(prepared: Prepared, state: RunState): Promise<ToolResult | null> {
  if (prepared.kind === "client") return null;
  if (prepared.kind === "answered") return prepared.result;
  if (prepared.kind === "asked") return { content: "", is_error: false, interrupt: prepared.question };
  const { call } = prepared;
  const { ports } = state;
  const context = {
    tool_call_id: call.id,
    sandbox: ports.sandbox,
    plan: state.plan,
    plan_order: state.input.agent.plan_order,
    challenge: (changed: Plan) => challengeChange(state, changed),
    now: ports.now,
    readResult: ports.readResult,
    onOutput: (stream: "stdout" | "stderr", text: string) =>
      ports.onDelta({ type: "tool_output", tool_call_id: call.id, stream, text }),
  };
  if (prepared.kind === "run" && !ports.signal.aborted) {
    const result = await runTool(prepared.tool, prepared.input, context, ports);
    return withChanges(withNotice(result, prepared.tool, state), prepared, state);
  }
  const begun = state.input.started_calls.includes(call.id) ? state.tools.get(call.function.name) : undefined;
  if (begun) await abandonCall(begun, context, ports);
  return CANCELLED_RESULT;
}

/**
 * The model is told where a person approved something else than it had asked for. The result of a plan's tool is the plan
 * and nothing else, so there it is told by a reminder.
 */
function withChanges(result: ToolResult, { tool, changed }: RunnableCall, state: RunState): ToolResult {
  if (!changed) return result;
  if (tool.kind === "plan") {
    state.nudge = `The person changed the plan before approving it. Work from the plan as ${tool.name} has answered it.`;
    return result;
  }
  const shown = cutEnd(JSON.stringify(changed), SHOWN_CHANGES);
  return { ...result, content: `(The person approved this call with other arguments: ${shown})\n${result.content}` };
}

async function finishCall(prepared: Prepared, result: ToolResult, state: RunState, end: CallsEnd): Promise<void> {
  const { call } = prepared;
  const message = { role: "tool" as const, tool_call_id: call.id, content: result.content };
  await store(state, {
    type: "tool_finished",
    message_id: state.ports.newMessageId(),
    message,
    name: call.function.name,
    is_error: result.is_error,
    details: result.details ?? {},
    ...(result.plan ? { plan: result.plan } : {}),
    ...(result.preview ? { preview: result.preview } : {}),
    ...(result.whole === undefined ? {} : { whole: result.whole }),
  });
  remember(state, message);
  if (result.plan) noteChange(state, result.plan);
  if (prepared.kind === "run") {
    if (prepared.tool.read_only) state.guard.record(call.function.name, call.function.arguments, result.content);
    const { kind } = prepared.tool;
    const worked = kind === "work" && !result.is_error;
    if (worked) end.worked++;
    if (result.plan) end.plan_changes++;
    if (worked || result.plan) state.replies = { ...state.replies, reminders: 0 };
  }
  if (result.complete !== undefined && !result.is_error) end.complete ??= result.complete;
  if (result.fatal) end.fatal ??= result.fatal;
}

/** What waits is answered here where the run ends in a way in which nobody else will answer it. */
async function settleWaiting(
  waiting: Map<ToolCall, "person" | "client">,
  state: RunState,
  end: CallsEnd,
): Promise<void> {
  const answer = async (call: ToolCall, result: ToolResult) => {
    waiting.delete(call);
    await finishCall({ kind: "answered", call, result }, result, state, end);
  };
  for (const [call, whom] of [...waiting]) {
    const content = state.ports.signal.aborted ? null : reasonNotToWait(whom, end);
    if (content !== null) await answer(call, { content, is_error: true });
  }
  // A cancel may come while results are stored; from the last look at the signal on nothing is awaited.
  if (state.ports.signal.aborted) for (const call of [...waiting.keys()]) await answer(call, CANCELLED_RESULT);
  end.cancelled = state.ports.signal.aborted;
  for (const [call, whom] of waiting) if (whom === "client") end.pending_tool_call_ids.push(call.id);
}

function reasonNotToWait(whom: "person" | "client", end: CallsEnd): string | null {
  if (end.fatal) return "not executed: the run could not go on.";
  if (whom === "person") return null;
  if (end.interrupts.length > 0)
    return "not executed: a question to the person is open. Call it again after the answer.";
  return end.complete === null ? null : "not executed: the run was completed by another call of this message.";
}

function describeUnknown(name: string, state: RunState): string {
  const names = [...state.tools.keys(), ...state.clientTools].join(", ");
  return `There is no tool ${JSON.stringify(name)}. The tools are: ${names || "none"}.`;
}
