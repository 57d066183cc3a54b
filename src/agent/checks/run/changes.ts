// What is said of files that changed while a check ran.

import { failed, notRun } from "./judge.ts";
import type { Sight } from "./look.ts";

const SHOWN_FILES = 5;

/**
 * A check leaves the files as they are, so one during which they changed has failed. Threads of a project share its
 * sandbox: with another one at work nobody can tell whose doing it was, and what would have passed has not run.
 */
export function judgeChanges<Seen extends Sight>(seen: Seen, changed: readonly string[], isShared: boolean): Seen {
  const reason = describeChange(changed, isShared);
  if (seen.outcome !== "passed") return { ...seen, ...failed(`${seen.reason} ${reason}`) };
  return { ...seen, ...(isShared ? notRun(reason) : failed(reason)) };
}

function describeChange(changed: readonly string[], isShared: boolean): string {
  const names = changed.slice(0, SHOWN_FILES).map((name) => JSON.stringify(name));
  const more = changed.length > names.length ? " and more" : "";
  const which = names.length === 0 ? "files that git does not ignore" : `${names.join(", ")}${more}`;
  if (isShared)
    return `While it ran, ${which} changed. Another conversation of this project was at work in the same sandbox, so this may be its doing. Run the check again when that one has ended.`;
  return `While it ran, ${which} changed. A check leaves the project's files as they are: ignore what it makes, or let it clean up.`;
}
