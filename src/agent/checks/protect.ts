// The files that a check protects are hashed when it is made, where they are. Until then the check verifies nothing: they
// may have changed already. Pure: whoever has a sandbox asks for the hashes.
import type { Check, ProtectedFile } from "../../protocol/plan/check.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { withVerification } from "./verification.ts";

export function protectedPaths({ spec }: Pick<Check, "spec">): string[] {
  return "protected" in spec ? (spec.protected ?? []) : [];
}

/** The paths that are to be hashed, each once. */
export function listUnhashed(plan: Plan): string[] {
  const open = plan.tasks.flatMap(({ checks = [] }) => checks.filter(isUnhashed));
  return [...new Set(open.flatMap(protectedPaths))];
}

/** The same version of the plan; the same object if no check was to be hashed, or not all of its files are known. */
export function withHashes(plan: Plan, hashes: ReadonlyMap<string, string | null>): Plan {
  let isSame = true;
  const tasks = plan.tasks.map((task) => {
    const checks = task.checks?.map((check): Check => {
      const files = protectedPaths(check).map((path) => ({ path, hash: hashes.get(path) }));
      if (!isUnhashed(check) || !files.every((file): file is ProtectedFile => file.hash !== undefined)) return check;
      isSame = false;
      return { ...check, protected: files };
    });
    return checks === undefined ? task : withVerification({ ...task, checks });
  });
  return isSame ? plan : { ...plan, tasks };
}

function isUnhashed(check: Check): boolean {
  return check.protected === undefined && protectedPaths(check).length > 0;
}
