// What tests of the runner want: a command, and a wait that only a cancel ends.
import type { CheckInput } from "../../src/protocol/plan/check.ts";

export const command = (run: string, more: object = {}): CheckInput => ({ type: "command", run, ...more });

export function untilAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}
