// What the inbox said to an input.
import type { Result } from "../../src/protocol/error.ts";
import type { AcceptedRun } from "../../src/protocol/thread.ts";

export function codeOf(result: Result<unknown>): string {
  return result.ok ? "ok" : result.error.code;
}

export function expectOk(result: Result<AcceptedRun>): AcceptedRun {
  if (!result.ok) throw new Error(result.error.detail);
  return result.value;
}
