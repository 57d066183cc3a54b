// A run as the API returns it, which the object's SQLite and D1 both store.
import { isRecord } from "../../lib/is-record.ts";
import type { Cause, Chain } from "../../protocol/chain.ts";
import type { Interrupt, Run, RunSource, Usage } from "../../protocol/run.ts";
import { isList, isNumber, isText, isTextOrNull } from "./stored.ts";

/** Sources that can't be read are left out: an answer is worth more than its links. */
export function toRun(value: unknown): Run | undefined {
  if (!isRun(value)) return undefined;
  if (value.sources === undefined || isList(value.sources, isSource)) return value;
  const { sources: _, ...run } = value;
  return run;
}

function isSource(value: unknown): value is RunSource {
  return isRecord(value) && isNumber(value.n) && isText(value.url) && isTextOrNull(value.title);
}

function isRun(value: unknown): value is Run {
  return (
    isRecord(value) &&
    isText(value.invocation_id) &&
    isText(value.thread_id) &&
    isText(value.project_id) &&
    isText(value.user_id) &&
    isText(value.agent_id) &&
    isText(value.model) &&
    isText(value.status) &&
    isText(value.created_at) &&
    isTextOrNull(value.started_at) &&
    isTextOrNull(value.finished_at) &&
    isNumber(value.steps) &&
    isNumber(value.attempt) &&
    isRecord(value.metadata) &&
    isUsage(value.usage) &&
    isList(value.interrupts, isInterrupt) &&
    (value.result === null || (isRecord(value.result) && isText(value.result.text))) &&
    (value.error === null || (isRecord(value.error) && isText(value.error.message))) &&
    isChain(value)
  );
}

export function isChain(value: unknown): value is Chain {
  return isRecord(value) && isNumber(value.hops) && isList(value.caused_by, isCause);
}

function isCause(value: unknown): value is Cause {
  return isRecord(value) && isText(value.trigger_id);
}

function isUsage(value: unknown): value is Usage {
  if (!isRecord(value) || !isNumber(value.input_tokens) || !isNumber(value.output_tokens)) return false;
  return isNumber(value.cached_input_tokens) && (value.cost_usd === null || isNumber(value.cost_usd));
}

function isInterrupt(value: unknown): value is Interrupt {
  if (!isRecord(value) || !isText(value.id) || !isText(value.tool_call_id)) return false;
  return isText(value.reason) && isText(value.message) && isTextOrNull(value.expires_at);
}
