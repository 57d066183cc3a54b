// What only the object knows of a run: the agent that it is pinned to, the calls that have begun, how it is to end.
import { isRecord } from "../../../agent/calls/leniency.ts";
import type { LoopOutcome } from "../../../agent/events.ts";
import type { PinnedAgent } from "../../../protocol/thread.ts";
import { toAgentConfig } from "../../../store/shapes/agent-config.ts";
import { isList, isNumber, isText, isTextOrNull, type Shape, shapeOf } from "../../../store/shapes/stored.ts";

/** How a run is to end whatever it was about to do: it was cancelled, given up by the queue, or stands still. */
export type RequestedEnd = Extract<LoopOutcome, { status: "cancelled" | "failed" }>;

/** `at`: when it began first, whichever life that was; `task_id`: what it is work for. */
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

/** Former versions stored the ids alone: when those calls began nobody knows. */
export const toStartedCalls: Shape<StartedCall[]> = (value) =>
  isList(value, isStoredCall)
    ? value.map((call) => (typeof call === "string" ? { id: call, at: null } : call))
    : undefined;

function isStoredCall(value: unknown): value is string | StartedCall {
  if (isText(value)) return true;
  return isRecord(value) && isText(value.id) && isTextOrNull(value.at);
}

export const toLives = shapeOf((value) => isList(value, isNumber));

/** Null for most runs. */
export const toRequestedEnd: Shape<RequestedEnd | null> = (value) =>
  value === null || isRequestedEnd(value) ? value : undefined;

function isRequestedEnd(value: unknown): value is RequestedEnd {
  if (!isRecord(value)) return false;
  if (value.status === "cancelled") return true;
  return value.status === "failed" && isRecord(value.error) && isText(value.error.code) && isText(value.error.message);
}
