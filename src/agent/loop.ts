// The agent loop: it alternates model and tool calls until the run ends. It is pure over its ports and does no I/O of
// its own.
//
// One step takes in what a person has added, calls the model, stores its message, runs its tool calls and stores each
// result. When a life ends, its facts remain, and the next life continues after the last one (`resumeRun`).
import type { ToolCall } from "../protocol/message.ts";
import type { Plan } from "../protocol/plan/task.ts";
import type { ModelFailureReason, RunErrorCode } from "../protocol/run.ts";
import { runCalls } from "./calls/calls.ts";
import type { CallsEnd } from "./calls/end.ts";
import { judgeReply, noReplies } from "./calls/guards.ts";
import { answerLeft, listSources } from "./calls/left-calls.ts";
import type { CallsOptions } from "./calls/prepare.ts";
import { askPeople } from "./checks/people/ask.ts";
import { findRefused } from "./checks/refused-before.ts";
import { maySettle, noteUnseen, settleChecks } from "./checks/settle.ts";
import { describeStop } from "./checks/words.ts";
import { callWithinContext, foreseeCall } from "./context/call-within-context.ts";
import { unansweredCalls } from "./context/history.ts";
import type { LoopOutcome } from "./events.ts";
import { isChinese } from "./language.ts";
import { createRunState, type RunState, store } from "./loop-state.ts";
import type { FinishReason } from "./model.ts";
import { describeEnd, judgeStep, noProgress } from "./plan/progress.ts";
import { describeSeen, hasUnseenWork, preparePlanReminder } from "./plan/task-tracking.ts";
import { openTasks } from "./plan/view.ts";
import type { AnsweredQuestions, LoopInput, LoopPorts } from "./ports.ts";
import type { CalledMessage } from "./reply/call.ts";

/** Rejects only if `emit` or a reservation does. Everything else, a bug included, is an outcome. */
export async function runAgent(input: LoopInput, ports: LoopPorts): Promise<LoopOutcome> {
  let state: RunState | null = null;
  try {
    state = createRunState(input, ports);
    let outcome = await resumeRun(state);
    while (!outcome) outcome = await takeStep(state);
    if (outcome.status !== "completed" || outcome.pending_tool_call_ids.length > 0) await noteUnseen(state);
    return endSpending(outcome, state, ports);
  } catch (error) {
    if (state?.emitFailure) throw state.emitFailure.error;
    ports.onBug?.("loop", error);
    const outcome = failed("internal", "Something went wrong inside the server while it worked on this run.");
    if (state !== null) await noteUnseen(state);
    return endSpending(outcome, state, ports);
  } finally {
    state?.place.leave();
  }
}

/** The end is stored next, and no call follows it, whatever was expected. */
function endSpending(outcome: LoopOutcome, state: RunState | null, { spending }: LoopPorts): LoopOutcome {
  if (state !== null) state.isOver = true;
  spending.expect(null);
  return outcome;
}

/**
 * Continues where an earlier life stopped: at calls without results, or at a last reply that is stored but not yet
 * judged.
 */
async function resumeRun(state: RunState): Promise<LoopOutcome | null> {
  const { history, steps, grants } = state.input;
  const { conversation } = state;
  // A run's first life starts with a person's message. Only a later life finds a message of its own run at the end.
  const isLater = steps > 0;
  // A name that a source lists only now may have belonged to a client's tool before.
  const isOwn = ({ function: called }: ToolCall) => state.tools.get(called.name)?.source === undefined;
  const isOurs = (call: ToolCall) =>
    isLater || grants.has(call.id) || (state.tools.has(call.function.name) && isOwn(call));
  const left = unansweredCalls(history, grants).filter(isOurs);
  const refused = isLater ? findRefused(history, state.plan) : undefined;
  if (left.length > 0) {
    conversation.show(new Set(left.map((call) => call.id)));
    const outcome = await workOn(left, state, { answers: answerLeft(left, state), refused });
    // In the rows, what a person said with an approval follows the calls. In the messages, the results must come before
    // it.
    conversation.show();
    return outcome;
  }
  conversation.show();
  const stopped = refused && stopAtFailed(refused, state);
  if (stopped) return stopped;
  if (!isLater && state.input.answered != null) return await goOnAnswered(state.input.answered, state);
  const last = history.at(-1);
  if (last?.role !== "assistant" || last.tool_calls?.length) return null;
  // A person has raised the cap that ended the run behind this reply.
  if (!isLater) state.nudge = [state.nudge, GO_ON].filter((text) => text !== null).join("\n");
  if (!isLater) return null;
  return await endReply(last.content ?? "", "stop", state);
}

/** Where people are content, nothing is left for a model to do. */
async function goOnAnswered({ text, nudge }: AnsweredQuestions, state: RunState): Promise<LoopOutcome | null> {
  state.lastText = text;
  const saysMore = state.input.history.at(-1)?.role === "user";
  if (nudge === null) return saysMore ? null : await complete(text, state);
  state.nudge = [state.nudge, nudge].filter((part) => part !== null).join("\n");
  return null;
}

async function takeStep(state: RunState): Promise<LoopOutcome | null> {
  const { input, ports } = state;
  if (ports.signal.aborted) return { status: "cancelled" };
  if (state.steps >= input.max_steps) return failed("max_steps", describeMaxSteps(input));
  await takeSteered(state);
  const outcome = await callWithinContext(state, takeReminder(state));
  if (outcome.kind === "refused" && outcome.interrupt)
    return { status: "interrupted", interrupts: [outcome.interrupt] };
  if (outcome.kind === "failed" || outcome.kind === "refused") return { status: "failed", error: outcome.error };
  if (outcome.kind === "cancelled") {
    if (outcome.partial) await storeMessage(outcome.partial, true, state);
    return { status: "cancelled" };
  }
  const { message, finish } = outcome.called;
  expectAfter(outcome.called, state);
  await storeMessage(outcome.called, false, state);
  if (!message.tool_calls) return await endReply(message.content ?? "", finish, state);
  const { reminders, of_task } = state.replies;
  state.replies = { ...noReplies, reminders, of_task };
  if (finish === "content_filter") return await refuseFiltered(message.tool_calls, state);
  return await workOn(message.tool_calls, state, { cut: finish === "length" });
}

/** A reply without calls is the last fact of its step, and seldom leads to another. */
function expectAfter({ message, finish }: CalledMessage, state: RunState): void {
  if (message.tool_calls || state.steps + 1 >= state.input.max_steps) return;
  const { kind } = judgeReply(state.replies, message.content ?? "", finish, openTasks(state.plan));
  if (kind === "nudge") state.ports.spending.expect(foreseeCall(state, [message]));
}

async function storeMessage(called: CalledMessage, partial: boolean, state: RunState): Promise<void> {
  state.steps++;
  const token_scale = state.scales.get(state.input.model) ?? state.input.token_scale;
  const calls = called.message.tool_calls ?? [];
  const call_sources = listSources(calls, state);
  const seen = describeSeen(state, partial, calls);
  // The starts of the calls that begin at once are stored with it.
  await store(state, { type: "assistant_message", ...called, partial, token_scale, ...seen, call_sources }, !partial);
  const { message, extras } = called;
  state.conversation.add(extras === undefined ? message : { ...message, extras });
  if (called.message.content?.trim()) state.lastText = called.message.content;
}

/** The plan's reminder comes first: it is recognized by how the message starts. */
function takeReminder(state: RunState): string | null {
  const { nudge } = state;
  state.nudge = null;
  const parts = [preparePlanReminder(state), nudge && `<reminder>\n${nudge}\n</reminder>`];
  return parts.filter((text) => text !== null).join("\n\n") || null;
}

/** Returns whether a person had added anything. */
async function takeSteered(state: RunState): Promise<boolean> {
  const steered = await state.ports.takeSteered();
  for (const message of steered) state.conversation.add(message);
  if (steered.length > 0) {
    state.replies = noReplies;
    state.progress = noProgress;
    state.isFormerPlan = openTasks(state.plan).length === 0;
  }
  return steered.length > 0;
}

async function workOn(calls: ToolCall[], state: RunState, options: CallsOptions): Promise<LoopOutcome | null> {
  const { plan: before, isFormerPlan: wasFormer } = state;
  const end = await runCalls(calls, state, options);
  return (await endCalls(end, state)) ?? (await judgeWork(before, wasFormer, end, state));
}

/** Decides, after a step, whether a run that could continue makes progress. */
async function judgeWork(
  before: Plan,
  wasFormer: boolean,
  end: CallsEnd,
  state: RunState,
): Promise<LoopOutcome | null> {
  const open = openTasks(state.plan).length;
  const decision = judgeStep(state.progress, {
    worked: end.worked,
    plan_changes: end.plan_changes,
    open_before: openTasks(before).length,
    open_after: open,
    tasks_before: before.tasks.length,
    tasks_after: state.plan.tasks.length,
    was_over: !wasFormer && openTasks(before).length === 0,
  });
  state.progress = decision.progress;
  if (decision.hasEndedTask) state.replies = noReplies;
  state.nudge ??= decision.nudge;
  if (decision.end === null) return null;
  const chinese = isChinese(state.plan.tasks.map(({ content }) => content).join(" ") || state.lastText);
  const said = decision.end === "finished" ? state.lastText.trim() : "";
  return await complete(said || describeEnd(decision.end, open, chinese), state);
}

async function endCalls(end: CallsEnd, state: RunState): Promise<LoopOutcome | null> {
  if (end.cancelled) return { status: "cancelled" };
  if (end.fatal) return failed(end.fatal.code, end.fatal.message);
  if (end.interrupts.length > 0) return { status: "interrupted", interrupts: end.interrupts };
  const stopped = stopAtFailed(end, state);
  if (stopped !== null) return stopped;
  if (end.complete !== null) return await complete(end.complete, state);
  // A steered message waits for the next run here: it must not come between a call and its result.
  if (end.pending_tool_call_ids.length > 0) return completed(state.lastText, state, end.pending_tool_call_ids);
  return null;
}

function stopAtFailed({ gave_up }: Pick<CallsEnd, "gave_up">, { input }: RunState): LoopOutcome | null {
  if (gave_up.length === 0 || input.agent.on_failed_task !== "stop") return null;
  return failed("task_failed", describeStop(gave_up));
}

/** A reply without tool calls ends the run, unless there is a reason to continue. */
async function endReply(text: string, finish: FinishReason, state: RunState): Promise<LoopOutcome | null> {
  if (state.ports.signal.aborted) return { status: "cancelled" };
  const decision = judgeReply(state.replies, text, finish, openTasks(state.plan));
  switch (decision.kind) {
    case "nudge":
      state.replies = decision.counts;
      state.nudge = decision.nudge;
      return null;
    case "done":
      return await complete(decision.text, state);
    case "filtered":
      return failed("model_error", FILTERED, "content_filtered");
    case "empty":
      if (state.lastText !== "") return await complete(state.lastText, state);
      return failed("model_error", EMPTY, "broken_reply");
  }
}

async function refuseFiltered(calls: ToolCall[], state: RunState): Promise<LoopOutcome> {
  const result = { content: "not executed: the provider's content filter stopped this message.", is_error: true };
  await runCalls(calls, state, { answers: new Map(calls.map((call) => [call.id, result])) });
  return state.ports.signal.aborted ? { status: "cancelled" } : failed("model_error", FILTERED, "content_filtered");
}

const GO_ON =
  "The run was interrupted after your last message and goes on now. If that message was cut, go on exactly where it stopped, without repeating anything. Else go on with the work that is open.";

const FILTERED =
  "The provider's content filter stopped the model's reply. Put the request in other words, or choose another model.";

const EMPTY = "The model answered with nothing, twice. Try again, or choose another model.";

async function complete(text: string, state: RunState): Promise<LoopOutcome | null> {
  if ((await takeSteered(state)) || hasUnseenWork(state)) return null;
  if (!maySettle(state)) return await finish(text, state);
  const hasRepairs = await settleChecks(state);
  if (state.ports.signal.aborted) return { status: "cancelled" };
  if (hasRepairs && state.steps < state.input.max_steps) return null;
  // A person may have said something while the checks ran.
  if ((await takeSteered(state)) || hasUnseenWork(state)) return null;
  return await finish(text, state);
}

/** What only people can see is asked last, when everything else is known. */
async function finish(text: string, state: RunState): Promise<LoopOutcome | null> {
  const interrupts = await askPeople(state);
  if (state.ports.signal.aborted) return { status: "cancelled" };
  if (interrupts.length === 0) return completed(text, state, []);
  // A person may have said something while files were read.
  if ((await takeSteered(state)) || hasUnseenWork(state)) return null;
  return { status: "interrupted", interrupts, ended: { text, unfinished_tasks: openTasks(state.plan).length } };
}

function completed(text: string, state: RunState, pending_tool_call_ids: string[]): LoopOutcome {
  return { status: "completed", text, unfinished_tasks: openTasks(state.plan).length, pending_tool_call_ids };
}

function failed(code: RunErrorCode, message: string, reason?: ModelFailureReason): LoopOutcome {
  return { status: "failed", error: { code, message, ...(reason === undefined ? {} : { reason }) } };
}

function describeMaxSteps({ max_steps, is_ceiling = false }: LoopInput): string {
  const whose = is_ceiling ? "this server's" : "its";
  const other = is_ceiling ? "" : ", or raise max_steps";
  return `The run reached ${whose} limit of ${max_steps} steps before it was finished. Send another message to go on${other}.`;
}
