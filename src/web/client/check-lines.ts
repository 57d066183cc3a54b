// What a task's checks say, for people. The words of a check are the server's, so that page, terminal and model read the
// same line.
export { describeCheck, describeWhole } from "../../agent/checks/describe.ts";

import type { Check } from "../../protocol/plan/check.ts";

/** What was seen of a check last. `stale`: it passed, and files have changed since. */
export type Seen = "passed" | "failed" | "stale" | "not_run";

export function seenOf({ result }: Pick<Check, "result">): Seen {
  if (result === undefined || result.outcome === "not_run") return "not_run";
  return result.outcome === "passed" && result.stale === true ? "stale" : result.outcome;
}
