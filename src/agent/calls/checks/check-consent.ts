// Asks a person again before a check runs a command that the agent's approvals guard, if a protected file has changed
// since they approved it. One request to the sandbox before such a call; nothing for other agents and other checks.
import { isRecord } from "../../../lib/is-record.ts";
import type { ProtectedFile } from "../../../protocol/plan/check.ts";
import type { Plan } from "../../../protocol/plan/task.ts";
import { listGuarded, listUnapproved } from "../../checks/approval.ts";
import { unlessCancelled } from "../../checks/runner.ts";
import type { RunState } from "../../loop-state.ts";
import { findTasks } from "../../plan/find.ts";
import { askAboutCommands } from "../consent.ts";
import type { Prepared } from "../prepare.ts";
import { readOwed, withOwed } from "./owed.ts";
import { permissionOf } from "./permission.ts";

/** A call that a person has approved is not asked about twice: what they did not see then does not run. */
export async function withCommands(prepared: Prepared, state: RunState): Promise<Prepared> {
  const { ports, input: run, plan } = state;
  if (prepared.kind !== "run" || prepared.tool.kind !== "plan" || run.grants.has(prepared.call.id)) return prepared;
  const permission = permissionOf(state);
  const named = listNamed(prepared.input, plan);
  const isQuiet = permission.has_commands && !Object.hasOwn(run.agent.approvals, "execute_command");
  if (named.size === 0 || isQuiet) return prepared;
  const owed = await readOwed(prepared.call.id, true, state);
  const planned = owed === null ? null : withOwed(state.plan, owed, named);
  if (!planned?.ok) return prepared;
  const checks = planned.plan.tasks.flatMap((task) => (named.has(task.id) ? (task.checks ?? []) : []));
  const guarded = listGuarded(checks, permission);
  if (guarded.checks.length === 0 || ports.checks === undefined) return prepared;
  const hashes = guarded.paths.length === 0 ? new Map() : await hash(guarded.paths, state);
  // Files that can't be read can't be compared by the runner either, which then does not run the check and says so.
  if (hashes === null || hashes.size < guarded.paths.length) return prepared;
  const found = listUnapproved(guarded.checks, hashes);
  if (found.length === 0) return prepared;
  return { kind: "asked", call: prepared.call, question: askAboutCommands(prepared.tool, prepared.input, plan, found) };
}

/** The tasks that the call would complete. */
function listNamed(input: unknown, plan: Plan): ReadonlySet<string> {
  if (!isRecord(input) || input.status !== "completed" || !Array.isArray(input.task_ids)) return new Set();
  const named = findTasks(plan, input.task_ids);
  if (typeof named === "string") return new Set();
  return new Set(named.filter(({ status }) => status !== "completed").map(({ id }) => id));
}

async function hash(paths: string[], { ports }: RunState): Promise<ReadonlyMap<string, ProtectedFile> | null> {
  ports.storeHeld?.();
  return (await unlessCancelled(ports, async () => await ports.checks?.hashProtected(paths))) ?? null;
}
