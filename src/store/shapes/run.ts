// A run as the API returns it, which the object's SQLite and D1 both store.
import { isRecord } from "../../lib/is-record.ts";
import { type Cause, type Chain, withChain } from "../../protocol/chain.ts";
import type { Interrupt, Run, RunSource, Usage } from "../../protocol/run.ts";
import { isList, isNumber, isText, isTextOrNull } from "./stored.ts";

/** A run of a version before chains of webhooks has no chain. */
type StoredRun = Omit<Run, keyof Chain> & Partial<Chain>;

/**
 * `chain` is the chain of the run's input. A version before chains stored it with the input, whose fields it did not know,
 * and not with the run. A run that has a chain keeps it.
 */
export function toRun(value: unknown, chain?: Partial<Chain>): Run | undefined {
  if (!isStoredRun(value)) return undefined;
  const run = withReadableSources(value);
  return withChain(chain === undefined ? run : { ...chain, ...run });
}

/** Sources that can't be read are left out: an answer is worth more than its links. */
function withReadableSources<Stored extends { sources?: unknown }>(run: Stored): Stored {
  if (run.sources === undefined || isList(run.sources, isSource)) return run;
  const { sources: _, ...rest } = run;
  return rest as Stored;
}

function isSource(value: unknown): value is RunSource {
  return isRecord(value) && isNumber(value.n) && isText(value.url) && isTextOrNull(value.title);
}

function isStoredRun(value: unknown): value is StoredRun {
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
    isPartOfChain(value)
  );
}

/** The parts of a chain that the row has. */
export function isPartOfChain({ hops, caused_by }: Record<string, unknown>): boolean {
  return (hops === undefined || isNumber(hops)) && (caused_by === undefined || isList(caused_by, isCause));
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
