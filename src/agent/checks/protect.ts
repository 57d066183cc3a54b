// The files that a check protects are hashed when it is made, where they are. Until then the check verifies nothing: they
// may have changed already. An entry is stored as it was written, with one hash for all that it matches: what is added
// later changes it, too. Pure: the caller asks the sandbox for the hashes.
//
// Some files decide what a protected one means, and nobody thinks of them: `.npmrc` names the shell that runs the scripts
// of a `package.json`, and npm looks for programs below `node_modules/.bin` first. They are protected with it.
import type { Check, ProtectedFile } from "../../protocol/plan/check.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { withVerification } from "./verification.ts";

export function protectedPaths({ spec }: Pick<Check, "spec">): string[] {
  const named = "protected" in spec ? (spec.protected ?? []) : [];
  return [...new Set(named.flatMap((path) => [path, ...companionsOf(path)]))];
}

const PROGRAMS = ["node", "npm", "npx", "sh"];
/** A plan has room for a hundred checks with as many. */
const MAX_COMPANIONS = 20;
const MAX_FOLDERS = MAX_COMPANIONS / PROGRAMS.length;

function companionsOf(path: string): string[] {
  const parts = path.split("/");
  const name = parts.pop() ?? "";
  if (!mayMean(name, "package.json")) return [];
  const below = (folder: string, file: string) => (folder === "" ? file : `${folder}/${file}`);
  const nearest = Array.from({ length: Math.min(MAX_FOLDERS, parts.length + 1) }, (_, up) => parts.length - up);
  const folders = nearest.map((count) => parts.slice(0, count).join("/"));
  const programs = folders.flatMap((folder) => PROGRAMS.map((each) => below(folder, `node_modules/.bin/${each}`)));
  return [below(parts.join("/"), ".npmrc"), ...programs].slice(0, MAX_COMPANIONS);
}

/** Whether a name with wildcards may match the file. It never says no where it does. */
function mayMean(name: string, file: string): boolean {
  const [start = "", ...rest] = name.split(/[*?]+/);
  if (rest.length === 0) return name === file;
  return file.startsWith(start) && file.endsWith(rest.at(-1) ?? "") && rest.every((text) => file.includes(text));
}

/** The patterns whose matches are to be hashed, each once. */
export function listUnhashed(plan: Plan, fits: (check: Check) => boolean = () => true): string[] {
  const open = plan.tasks.flatMap(({ checks = [] }) => checks.filter((check) => isUnhashed(check) && fits(check)));
  return [...new Set(open.flatMap(protectedPaths))];
}

/** The same version of the plan; the same object if no check was to be hashed, or not all of its files are known. */
export function withHashes(
  plan: Plan,
  known: ReadonlyMap<string, ProtectedFile>,
  fits: (check: Check) => boolean = () => true,
): Plan {
  let isSame = true;
  const tasks = plan.tasks.map((task) => {
    const checks = task.checks?.map((check): Check => {
      const files = protectedPaths(check).map((path) => known.get(path));
      if (!isUnhashed(check) || !fits(check) || !files.every((file) => file !== undefined)) return check;
      isSame = false;
      return { ...check, protected: files };
    });
    return checks === undefined ? task : withVerification({ ...task, checks });
  });
  return isSame ? plan : { ...plan, tasks };
}

export function isUnhashed(check: Check): boolean {
  return check.protected === undefined && protectedPaths(check).length > 0;
}
