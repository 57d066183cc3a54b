// The runner of checks on a place in a real sandbox.
import type { CheckPlace } from "../../src/agent/checks/place.ts";
import type { CheckRunPorts } from "../../src/agent/checks/run/ports.ts";
import { createCheckRunner } from "../../src/agent/checks/run/runner.ts";
import type { CheckInput, Receipt } from "../../src/protocol/plan/check.ts";
import { want } from "../fakes/check-world.ts";

const BUDGET_MS = 80_000;

let count = 0;

export function runChecks(
  place: CheckPlace | undefined,
  specs: CheckInput[],
  { call_id = `call_${++count}`, ...ports }: Partial<CheckRunPorts> & { call_id?: string } = {},
): Promise<Receipt[]> {
  const runner = createCheckRunner({
    ...{ place, scope: "run", attempt: 1, invocation_id: "run", signal: new AbortController().signal },
    fetchPublic: async () => ({ ok: false, refused: true, message: "No address." }),
    keyOf: (spec) => JSON.stringify(spec),
    newId: () => `receipt_${++count}`,
    now: () => Date.now(),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, ms);
        signal.addEventListener("abort", () => {
          clearTimeout(timer);
          reject(signal.reason);
        });
      }),
    ...ports,
  });
  return runner.run(
    specs.map((spec, at) => want(spec, at)),
    { call_id, budget_ms: BUDGET_MS },
  );
}
