// The models of a run: its own, then the agent's fallbacks. If one keeps failing or is unavailable, the next one gets
// the same request, and the run stays with the one that answered: returning at each step would wait for the broken one
// each time. A later life starts with the run's own model again, since it may have recovered.
import { cutEnd } from "../../lib/truncate.ts";
import type { RunError } from "../../protocol/run.ts";
import type { ModelFailure, ModelRequest } from "../model.ts";
import { type CallOutcome, callWithRetry, type ModelCallPorts } from "./call.ts";

export interface ModelChain {
  /** The run's own model, then its fallbacks, without duplicates. */
  names: string[];
  /** The model that was called last, and is called first now. */
  current: string;
}

/** For each model's error. Six errors of a paragraph each are still read by a person. */
const MAX_REASON_CHARACTERS = 400;

export function createModelChain(own: string, fallbacks: string[]): ModelChain {
  return { names: [...new Set([own, ...fallbacks])], current: own };
}

/** In the order in which they are called. */
export function orderModels({ names, current }: ModelChain): string[] {
  const start = names.indexOf(current);
  return [...names.slice(start), ...names.slice(0, start)];
}

/** Makes one step's model call with the first model that replies, starting with the current one. */
export async function callWithFallback(
  request: ModelRequest,
  chain: ModelChain,
  ports: ModelCallPorts,
  usedCallIds: Set<string> | null,
): Promise<CallOutcome> {
  const order = orderModels(chain);
  const failed = new Map<string, Extract<CallOutcome, { kind: "failed" }>>();
  for (const [place, model] of order.entries()) {
    chain.current = model;
    const next = order[place + 1];
    const asked = { ...request, model, ...(next === undefined ? {} : { has_fallback: true }) };
    const outcome = nameModel(await callWithRetry(asked, ports, usedCallIds), model, chain);
    if (outcome.kind !== "failed") return outcome;
    if (ports.signal.aborted) return { kind: "cancelled", partial: null };
    failed.set(model, outcome);
    if (next === undefined || !mayElseSucceed(outcome.failure)) {
      return failed.size === 1 ? outcome : { ...outcome, error: describeAll(failed) };
    }
    const { reason } = outcome.failure;
    ports.onDelta({
      type: "model_retry",
      attempt: outcome.attempts,
      after_ms: 0,
      model: next,
      ...(reason ? { reason } : {}),
    });
  }
  throw new Error("a chain has at least one model");
}

/**
 * Whether another model may succeed where this one failed. A request that is too long or filtered is so for the next
 * one too.
 */
function mayElseSucceed(failure: ModelFailure): boolean {
  return failure.filtered !== true && failure.too_long !== true;
}

/** A message names its model only if that is not the run's own. */
function nameModel(outcome: CallOutcome, model: string, { names }: ModelChain): CallOutcome {
  if (model === names[0]) return outcome;
  if (outcome.kind === "message") return { ...outcome, called: { ...outcome.called, model } };
  if (outcome.kind === "cancelled" && outcome.partial) return { ...outcome, partial: { ...outcome.partial, model } };
  return outcome;
}

/** Models that failed for the same reason are named together: a wrong key is wrong for all. */
function describeAll(failed: Map<string, Extract<CallOutcome, { kind: "failed" }>>): RunError {
  const byReason = new Map<string, string[]>();
  for (const [model, { error }] of failed) {
    const reason = cutEnd(error.message, MAX_REASON_CHARACTERS);
    byReason.set(reason, [...(byReason.get(reason) ?? []), JSON.stringify(model)]);
  }
  const reasons = Array.from(byReason, ([reason, models]) => `${models.join(", ")}: ${reason}`);
  const errors = Array.from(failed.values(), ({ error }) => error);
  const code = common(errors.map((error) => error.code)) ?? "model_error";
  const reason = common(errors.map((error) => error.reason));
  const message = `No model gave a reply. ${reasons.join(" ")}`;
  return { code, message, ...(reason === undefined ? {} : { reason }) };
}

function common<Value>(values: Value[]): Value | undefined {
  return new Set(values).size === 1 ? values[0] : undefined;
}
