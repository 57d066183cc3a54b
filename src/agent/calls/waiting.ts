// Calls that wait for a person's answer, or for the client whose tool it is.
import type { ToolCall } from "../../protocol/message.ts";
import type { Interrupt } from "../../protocol/run.ts";
import type { RunState } from "../loop-state.ts";
import type { Question, ToolResult } from "../tool.ts";
import type { CallsEnd } from "./end.ts";
import { CANCELLED_RESULT } from "./run.ts";

export const QUESTION_OPEN = "not executed: a question to the person is open. Call it again after the answer.";

export type Waiting = Map<ToolCall, "person" | "client">;

/**
 * The same call that another life asks about again is the same interrupt. A call that was approved and then asks the
 * person itself is a new one: a late approval must not answer its question.
 */
export function nameQuestion(question: Question, { id }: ToolCall, { input, ports }: RunState): Interrupt {
  const { interrupt_ms } = input;
  const expires_at = interrupt_ms === null ? null : new Date(ports.now() + interrupt_ms).toISOString();
  const { reason, message, response_schema, checks } = question;
  const asked = input.grants.has(id) ? `${id}~2` : id;
  return {
    id: `int_${asked}`,
    reason,
    message,
    tool_call_id: id,
    response_schema,
    expires_at,
    ...(checks && { checks }),
  };
}

/** Answers waiting calls if the run ends in a way in which nobody else will answer them. */
export async function settleWaiting(
  waiting: Waiting,
  state: RunState,
  end: CallsEnd,
  finish: (call: ToolCall, result: ToolResult) => Promise<void>,
): Promise<void> {
  const answer = async (call: ToolCall, result: ToolResult): Promise<void> => {
    waiting.delete(call);
    await finish(call, result);
  };
  for (const [call, whom] of [...waiting]) {
    const content = state.ports.signal.aborted ? null : reasonNotToWait(whom, end);
    if (content !== null) await answer(call, { content, is_error: true });
  }
  // A cancel may arrive while results are stored. Nothing is awaited after the last check of the signal.
  if (state.ports.signal.aborted) for (const call of [...waiting.keys()]) await answer(call, CANCELLED_RESULT);
  end.cancelled = state.ports.signal.aborted;
  for (const [call, whom] of waiting) if (whom === "client") end.pending_tool_call_ids.push(call.id);
}

function reasonNotToWait(whom: "person" | "client", end: CallsEnd): string | null {
  if (end.fatal) return "not executed: the run could not go on.";
  if (whom === "person") return null;
  if (end.interrupts.length > 0) return QUESTION_OPEN;
  return end.complete === null ? null : "not executed: the run was completed by another call of this message.";
}
