// The fields of a run that only the object has: its pinned agent, its started calls, its requested end.

import type { LoopOutcome } from "../../../agent/events.ts";
import { isRecord } from "../../../lib/is-record.ts";
import type { PinnedAgent } from "../../../protocol/thread.ts";
import { toAgentConfig } from "../../../store/shapes/agent-config.ts";
import { isList, isNumber, isText, isTextOrNull, type Shape, shapeOf } from "../../../store/shapes/stored.ts";

/** How a run must end, whatever it does: it was cancelled, its job became a dead letter, or it stands still. */
export type RequestedEnd = Extract<LoopOutcome, { status: "cancelled" | "failed" }>;

/** `at`: when it first started, in whichever life. `task_id`: the task that it works for. */
export interface StartedCall {
  id: string;
  at: string | null;
  task_id?: string;
}

export const toPinnedAgent: Shape<PinnedAgent> = (value) => {
  if (!isRecord(value) || !isPinned(value)) return undefined;
  const config = toAgentConfig(value.config);
  return config && { ...value, config };
};

function isPinned(value: Record<string, unknown>): value is Record<string, unknown> & Omit<PinnedAgent, "config"> {
  return (
    isText(value.agent_id) && isNumber(value.version) && (value.max_steps === undefined || isNumber(value.max_steps))
  );
}

export const toStartedCalls = shapeOf((value) => isList(value, isStartedCall));

function isStartedCall(value: unknown): value is StartedCall {
  return isRecord(value) && isText(value.id) && isTextOrNull(value.at);
}

export const toLives = shapeOf((value) => isList(value, isNumber));

/** The value is null for most runs. */
export const toRequestedEnd: Shape<RequestedEnd | null> = (value) =>
  value === null || isRequestedEnd(value) ? value : undefined;

function isRequestedEnd(value: unknown): value is RequestedEnd {
  if (!isRecord(value)) return false;
  if (value.status === "cancelled") return true;
  return value.status === "failed" && isRecord(value.error) && isText(value.error.code) && isText(value.error.message);
}
