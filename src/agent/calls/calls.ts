// The tool calls of one message. They run in order; read-only neighbours run in parallel. Each call gets exactly one
// result, or waits for a person's answer (an interrupt) or for the client whose tool it is.
import type { ToolCall, ToolMessage } from "../../protocol/message.ts";
import { protectFiles } from "../checks/protect-files.ts";
import { foreseeCall } from "../context/call-within-context.ts";
import type { LoopFact } from "../events.ts";
import { type RunState, store } from "../loop-state.ts";
import { beginWork, noteChange } from "../plan/task-tracking.ts";
import type { ToolResult } from "../tool.ts";
import { closeOnChecks, mayRunChecks } from "./checked-change.ts";
import { withCommands } from "./checks/check-consent.ts";
import { type CallsEnd, goesOn } from "./end.ts";
import { withIntroduction } from "./introduction.ts";
import { type CallsOptions, type Prepared, prepareCall, type RunnableCall, withChanges } from "./prepare.ts";
import { withholdEnd } from "./refused-change.ts";
import { abandonCall, CANCELLED_RESULT, runTool } from "./run.ts";
import { withNotice } from "./sandbox-notice.ts";
import { newToolContext } from "./tool-context.ts";
import { nameQuestion, QUESTION_OPEN, settleWaiting, type Waiting } from "./waiting.ts";
import { withPlaces } from "./writes/places.ts";

/** Read-only calls in parallel. A Worker has six connections, and the rest of the object needs some. */
const MAX_SIDE_BY_SIDE = 4;

/**
 * How often a plan tool runs again because a person has edited the plan meanwhile. Plan tools are fast, so this is
 * rare. A result that is still stale then is refused when it is stored.
 */
const MAX_REMADE = 3;

export async function runCalls(calls: ToolCall[], state: RunState, options: CallsOptions = {}): Promise<CallsEnd> {
  const end: CallsEnd = {
    cancelled: false,
    fatal: null,
    interrupts: [],
    complete: null,
    pending_tool_call_ids: [],
    worked: 0,
    plan_changes: 0,
    ...(options.refused ?? { check_failed: false, gave_up: [] }),
  };
  const waiting: Waiting = new Map();
  let at = 0;
  while (at < calls.length) {
    await protectFiles(state);
    const group = await takeGroup(calls, at, state, options, end);
    at += group.length;
    await runGroup(group, state, end, waiting, at === calls.length);
  }
  await settleWaiting(waiting, state, end, (call, result) =>
    finishCall({ kind: "answered", call, result }, result, state, end),
  );
  return end;
}

/** The next call, with the neighbours that may run in parallel with it. */
async function takeGroup(
  calls: ToolCall[],
  at: number,
  state: RunState,
  options: CallsOptions,
  end: CallsEnd,
): Promise<Prepared[]> {
  const group: Prepared[] = [];
  for (const call of calls.slice(at, at + MAX_SIDE_BY_SIDE)) {
    const reads = state.tools.get(call.function.name)?.read_only ?? false;
    if (group.length > 0 && !reads) break;
    const prepared = await withCommands(await withPlaces(prepareCall(call, state, options, end), state), state);
    group.push(prepared);
    // Calls after one that waits for approval may depend on it, so they don't run in parallel with it either.
    if (!reads || prepared.kind === "asked") break;
  }
  return group;
}

async function runGroup(
  group: Prepared[],
  state: RunState,
  end: CallsEnd,
  waiting: Waiting,
  isLast: boolean,
): Promise<void> {
  await announce(
    group.filter((prepared) => prepared.kind === "run"),
    state,
  );
  const ready = new Set<Prepared>();
  const results = group.map(async (prepared) => {
    const result = await execute(prepared, state);
    ready.add(prepared);
    return result;
  });
  for (const [place, prepared] of group.entries()) {
    let result = await results[place];
    // After the last check nothing is awaited until the fact is stored.
    for (let again = 0; isStale(result, state) && again < MAX_REMADE; again++) result = await execute(prepared, state);
    if (!result) waiting.set(prepared.call, "client");
    else if (result.interrupt && !result.is_error) {
      waiting.set(prepared.call, "person");
      end.interrupts.push(nameQuestion(result.interrupt, prepared.call, state));
    } else {
      if (endsTooEarly(result, end)) result = NOT_ENDED;
      if (isLast && place === group.length - 1 && waiting.size === 0) expectAfter(prepared.call, result, state, end);
      const next = group[place + 1];
      await finishCall(prepared, result, state, end, next !== undefined && ready.has(next));
    }
  }
}

const NOT_ENDED: ToolResult = { content: QUESTION_OPEN, is_error: true };

/** A run does not end before the question that stands before the end in the same message is answered. */
function endsTooEarly({ complete, is_error }: ToolResult, { interrupts }: CallsEnd): boolean {
  return complete !== undefined && !is_error && interrupts.length > 0;
}

/** Whether the result's plan is based on one that a person has changed since: it would undo that change. */
function isStale(result: ToolResult | null | undefined, { plan }: RunState): boolean {
  return result?.plan !== undefined && result.plan.version !== plan.version + 1;
}

/**
 * Stored just before the first request of the tools, so that the next life knows that the calls may have had an effect.
 * Tools that ask nothing outside have their results at once, and are stored with them. A call that an earlier life has
 * started has its task already, whatever is due by now.
 */
async function announce(group: RunnableCall[], state: RunState): Promise<void> {
  const isLocal = group.every(({ tool, input }) => tool.local && !mayRunChecks(tool, input, state));
  for (const [place, { call, tool }] of group.entries()) {
    const hasBegun = state.input.started_calls.includes(call.id);
    const work = tool.kind === "work" && !hasBegun ? beginWork(state) : {};
    const more = isLocal || place < group.length - 1;
    await store(state, { type: "tool_started", tool_call_id: call.id, name: tool.name, ...work }, more);
  }
}

interface CallResult extends ToolResult {
  /** Addresses in the content up to this character may be fetched. */
  names_until?: number;
}

/** Null for a client's call: the client provides its result. */
async function execute(prepared: Prepared, state: RunState): Promise<CallResult | null> {
  if (prepared.kind === "client") return null;
  if (prepared.kind === "answered") return prepared.result;
  if (prepared.kind === "asked") return { content: "", is_error: false, interrupt: prepared.question };
  const { call } = prepared;
  const { ports } = state;
  const context = newToolContext(call, state);
  if (prepared.kind === "run" && !ports.signal.aborted) {
    const runAgain = () => runTool(prepared.tool, prepared.input, newToolContext(call, state), ports);
    const ran = await runTool(prepared.tool, prepared.input, context, ports);
    const result = ran.plan === undefined ? ran : await closeOnChecks(ran, call.id, runAgain, state);
    const noticed = await withNotice(withholdEnd(result, state), prepared.tool, state);
    const whole = withChanges(await withIntroduction(noticed, prepared.tool, state), prepared, state);
    // What is added may be the model's words, such as an AGENTS.md that it wrote.
    return { ...whole, ...(result.names_addresses ? { names_until: result.content.length } : {}) };
  }
  const begun = state.input.started_calls.includes(call.id) ? state.tools.get(call.function.name) : undefined;
  if (begun) await abandonCall(begun, context, ports);
  return CANCELLED_RESULT;
}

/** The last result of a step is stored with the reservation of the next model call, if the run continues. */
function expectAfter({ id }: ToolCall, result: CallResult, state: RunState, end: CallsEnd): void {
  const { ports, steps, input } = state;
  const stops = input.agent.on_failed_task === "stop" && (result.gave_up ?? end.gave_up).length > 0;
  const ends = (result.complete !== undefined && !result.is_error) || result.fatal !== undefined || stops;
  if (ends || !goesOn(end) || ports.signal.aborted || steps >= input.max_steps) return;
  ports.spending.expect(foreseeCall(state, [toMessage(id, result)]));
}

function toMessage(tool_call_id: string, { content }: CallResult): ToolMessage {
  return { role: "tool", tool_call_id, content };
}

/** `more`: the next result is ready. */
async function finishCall(
  prepared: Prepared,
  result: CallResult,
  state: RunState,
  end: CallsEnd,
  more = false,
): Promise<void> {
  const { call } = prepared;
  const message = toMessage(call.id, result);
  const fact: LoopFact = {
    type: "tool_finished",
    message_id: state.ports.newMessageId(),
    message,
    name: call.function.name,
    is_error: result.is_error,
    details: result.details ?? {},
    ...(result.plan ? { plan: result.plan } : {}),
    ...(result.receipts?.length ? { receipts: result.receipts } : {}),
    ...(result.preview ? { preview: result.preview } : {}),
    ...(result.introduces === undefined ? {} : { introduces: result.introduces }),
    ...(result.sources?.length ? { sources: result.sources } : {}),
    ...(result.names_until === undefined ? {} : { names_until: result.names_until }),
    ...(result.whole === undefined ? {} : { whole: result.whole }),
    ...(result.complete === undefined ? {} : { complete: result.complete }),
  };
  await store(state, fact, more);
  state.conversation.add(message);
  state.checked.delete(call.id);
  for (const { check_id } of result.receipts ?? []) state.fresh.add(check_id);
  state.owed.delete(call.id);
  if (result.stays_open) end.check_failed = true;
  end.gave_up = [...end.gave_up, ...(result.gave_up ?? [])];
  const isChanged = result.plan !== undefined && !result.stays_open;
  if (isChanged) {
    noteChange(state, state.plan);
    state.guard.notePlanChange();
  }
  if (prepared.kind === "run") {
    if (prepared.tool.read_only) state.guard.record(call.function.name, call.function.arguments, result.content);
    const { kind } = prepared.tool;
    const worked = kind === "work" && !result.is_error;
    if (worked) end.worked++;
    // A failed call may have changed files, too.
    if (kind === "work" && !prepared.tool.read_only) {
      state.hasWorked = true;
      state.fresh.clear();
      state.tree = null;
    }
    if (isChanged) end.plan_changes++;
    if (worked || isChanged) state.replies = { ...state.replies, reminders: 0 };
  }
  if (result.complete !== undefined && !result.is_error) end.complete ??= result.complete;
  if (result.fatal) end.fatal ??= result.fatal;
}
