// What a former life has said of checks in the newest message's calls. A life that continues with the calls behind
// them, or with the next step, decides as that one would have.
import { isRecord } from "../../lib/is-record.ts";
import type { Plan, Task } from "../../protocol/plan/task.ts";
import { parseJson } from "../calls/leniency.ts";
import type { ModelMessage } from "../model.ts";
import { findTasks } from "../plan/find.ts";
import { MAX_EQUAL_FAILURES } from "./results.ts";
import { REFUSED } from "./words.ts";

export interface RefusedBefore {
  check_failed: boolean;
  gave_up: Task[];
}

/** Results of plan tools are the server's own words, so their beginning can be trusted. */
export function findRefused(history: readonly ModelMessage[], plan: Plan): RefusedBefore {
  const at = history.findLastIndex(({ role }) => role === "assistant");
  const message = history[at];
  const calls = message?.role === "assistant" ? (message.tool_calls ?? []) : [];
  const refused = history.slice(at + 1).flatMap((result) => {
    if (result.role !== "tool" || !result.content.startsWith(REFUSED)) return [];
    return calls.filter(({ id, function: { name } }) => id === result.tool_call_id && name === "update_tasks");
  });
  const gave_up = refused.flatMap(({ function: { arguments: written } }) => {
    const input = parseJson(written);
    const named = isRecord(input) && Array.isArray(input.task_ids) ? findTasks(plan, input.task_ids) : [];
    return typeof named === "string" ? [] : named.filter(hasGivenUp);
  });
  return { check_failed: refused.length > 0, gave_up };
}

function hasGivenUp({ status, checks = [] }: Task): boolean {
  return status === "cancelled" && checks.some(({ result }) => (result?.rounds ?? 0) >= MAX_EQUAL_FAILURES);
}
