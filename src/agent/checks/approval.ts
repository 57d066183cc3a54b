// A person's permission for the commands that checks run. The agent's approvals of `execute_command` ask about a check
// when it is made. They say what that was worth: this text, with its protected files as they were. If one has changed,
// the same command may do something else, so it is asked about again before it runs. A check of the project comes from a
// repository, and nobody was asked about it when it was made.
//
// Whoever runs checks passes on what was approved (`WantedCheck.needs`), and the runner compares: what changes between
// the question and the run has not been approved either.
import type { Check, CheckInput, ProtectedFile } from "../../protocol/plan/check.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { type Approvals, listCommands, needsApproval } from "../calls/approvals.ts";
import { protectedPaths } from "./protect.ts";
import { isSameMatch } from "./protected-pattern.ts";
import type { WantedCheck } from "./runner.ts";
import { commandsOf, isSameSpec } from "./spec.ts";

/** What a person was asked about: exactly this text, and its protected files as they were then. */
export interface AskedCheck {
  spec: CheckInput;
  files: ProtectedFile[];
}

export interface Permission {
  approvals: Approvals;
  /** Without commands the model would run its own files through a check of the project. */
  has_commands: boolean;
}

/** Whether a person is asked about the check's commands. */
function isGuarded({ author, spec }: Check, { approvals, has_commands }: Permission): boolean {
  const commands = commandsOf(spec);
  if (author === "project" && !has_commands) return commands.length > 0;
  return commands.some((command) => needsApproval(approvals, "execute_command", listCommands(command)));
}

/** The protected files with which it may run without another question; null if nobody has approved any. */
function approvedFiles({ author, spec, protected: files, approved }: Check): ProtectedFile[] | null {
  if (approved !== undefined) return approved;
  if (author === "project" || (files === undefined && protectedPaths({ spec }).length > 0)) return null;
  return files ?? [];
}

/** The same checks; those of which a command is guarded say what a person has approved. */
export function withNeeds(wanted: readonly WantedCheck[], permission: Permission): WantedCheck[] {
  return wanted.map((each) =>
    isGuarded(each.check, permission) ? { ...each, needs: approvedFiles(each.check) } : { ...each },
  );
}

/** Guarded checks, and the files on which their approval depends. */
export function listGuarded(checks: readonly Check[], permission: Permission): { checks: Check[]; paths: string[] } {
  const guarded = checks.filter((check) => isGuarded(check, permission));
  return { checks: guarded, paths: [...new Set(guarded.flatMap(protectedPaths))] };
}

export interface Unapproved extends AskedCheck {
  /** The files that have changed since. Empty if nobody was asked so far. */
  changed: string[];
}

/** Which of the guarded checks a person has to be asked about, each text once, given the files as they are now. */
export function listUnapproved(guarded: readonly Check[], now: ReadonlyMap<string, ProtectedFile>): Unapproved[] {
  const fileOf = (path: string) => now.get(path) ?? { path, hash: null };
  const found: Unapproved[] = [];
  for (const check of guarded) {
    const files = protectedPaths(check).map(fileOf);
    const approved = approvedFiles(check);
    const changed = (approved ?? []).filter((file) => !isSameMatch(file, fileOf(file.path)));
    const isKnown = found.some(({ spec }) => isSameSpec(spec, check.spec));
    if (isKnown || (approved !== null && changed.length === 0)) continue;
    found.push({ spec: check.spec, files, changed: changed.map(({ path }) => path) });
  }
  return found;
}

/** The same version of the plan, with what a person has approved; the same object if that is nothing of it. */
export function withApproved(plan: Plan, asked: readonly AskedCheck[] = []): Plan {
  if (asked.length === 0) return plan;
  let isSame = true;
  const approve = (check: Check): Check => {
    const found = asked.find(({ spec }) => isSameSpec(spec, check.spec));
    if (found === undefined) return check;
    isSame = false;
    return { ...check, approved: found.files };
  };
  const tasks = plan.tasks.map((task) =>
    task.checks === undefined ? task : { ...task, checks: task.checks.map(approve) },
  );
  return isSame ? plan : { ...plan, tasks };
}
