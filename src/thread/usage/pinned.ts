// Which caps a run has, decided when it is accepted.
import type { AgentConfig } from "../../protocol/agents/agent.ts";
import { type Caps, capNames, hasCap, type ScopedCaps } from "../../protocol/money/caps.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { raiseCaps } from "../caps/raise.ts";
import { settledOf } from "./account.ts";
import { add } from "./amounts.ts";
import { accountOf, type SpendingRecord } from "./record.ts";
import { noSpending, type RunSpending, type SharedCaps } from "./state.ts";

type AskedRecord = Pick<SpendingRecord, "run" | "spending">;

/** A new run: its request's caps, its trigger's and its agent's, and those over many threads. */
export function pinCaps(input: Pick<RunInput, "caps">, config: AgentConfig, shared: SharedCaps): RunSpending {
  const caps = order([...(input.caps ?? []), ofAgent(config)]);
  return { ...noSpending, caps, shared: hasShared(shared) ? shared : noSpending.shared };
}

/**
 * A run that resumes another continues with its count and its caps. `raised` is what a person said to the question for
 * more; null if nobody was asked. `now` are the caps over many threads as they have become since: an answer may come
 * weeks later, and be the first of many.
 */
export function continueCaps(
  input: Pick<RunInput, "caps">,
  asked: AskedRecord,
  raised: Record<string, unknown> | null,
  now?: SharedCaps,
): RunSpending {
  const { caps, shared, before, noted } = asked.spending;
  const own = input.caps ?? [];
  const scopes = new Set([...own, ...caps].map(({ scope }) => scope));
  // Each cap of the answer takes the place of the one before; the others stay.
  const kept = Array.from(scopes, (scope): ScopedCaps => {
    const of = (list: ScopedCaps[]) => list.find((each) => each.scope === scope);
    return { ...of(caps), ...of(own), scope };
  });
  return {
    ...noSpending,
    caps: order(raised === null ? kept : raiseCaps(kept, asked.spending.proposes, raised)),
    shared: now ?? shared,
    before: add(before, settledOf(accountOf(asked))),
    noted,
  };
}

/** Whether all that an input brings are results of the client's tools. */
export function bringsResults({ tool_results, messages, resume }: RunInput): boolean {
  return tool_results.length > 0 && messages.length === 0 && resume === null;
}

/**
 * A run that brings the results of the client's tools that another has called continues with that run's count, and with
 * the caps of its request and trigger. Its agent is that of the moment, and so are the agent's caps. So does a run that
 * answers another with another agent.
 */
export function carryCaps(
  input: Pick<RunInput, "caps">,
  config: AgentConfig,
  caller: AskedRecord,
  shared: SharedCaps,
  raised: Record<string, unknown> | null = null,
): RunSpending {
  const caps = caller.spending.caps.filter(({ scope }) => scope !== "agent");
  const before = { run: caller.run, spending: { ...caller.spending, caps } };
  return continueCaps({ caps: [...(input.caps ?? []), ofAgent(config)] }, before, raised, shared);
}

/** When it starts. The run before it may have been at work when it was accepted, and has spent more since. */
export function carryCount(spending: RunSpending, before: AskedRecord | null): RunSpending {
  if (before === null) return spending;
  const { before: former, noted } = before.spending;
  return { ...spending, before: add(former, settledOf(accountOf(before))), noted };
}

function ofAgent({ max_cost_usd, max_total_tokens, max_minutes }: AgentConfig): ScopedCaps {
  return { scope: "agent", max_cost_usd, max_total_tokens, max_minutes };
}

function hasShared({ user, project, is_old }: SharedCaps): boolean {
  return user !== null || project !== null || is_old === true;
}

const places = { run: 0, agent: 1, trigger: 2 } satisfies Record<ScopedCaps["scope"], number>;

/** Of two equal caps, the first is named. */
function order(caps: ScopedCaps[]): ScopedCaps[] {
  return caps.filter(hasCap).sort((a, b) => places[a.scope] - places[b.scope]);
}

/** The lowest of the caps; undefined if none is set. */
export function lowestCaps(caps: ScopedCaps[]): Caps | undefined {
  const lowest: Caps = {};
  for (const name of capNames) {
    const set = caps.flatMap((each) => each[name] ?? []);
    if (set.length > 0) lowest[name] = Math.min(...set);
  }
  return Object.keys(lowest).length === 0 ? undefined : lowest;
}
