// The runner of checks for one life of a run.
import { createCheckRunner } from "../../agent/checks/run/runner.ts";
import type { CheckRunner } from "../../agent/checks/runner.ts";
import { canonicalSpec } from "../../agent/checks/spec.ts";
import type { Sandbox } from "../../agent/sandbox.ts";
import { newId } from "../../protocol/ids.ts";
import type { Life } from "../life.ts";
import type { RunRecord } from "../rows/runs.ts";
import { sleep } from "../sleep.ts";

export function openChecks(life: Life, { run }: RunRecord, sandbox: Sandbox, signal: AbortSignal): CheckRunner {
  const { clock, lookAtPublic } = life.ports;
  return createCheckRunner({
    place: sandbox.checks,
    // The sandbox is the project's, and calls of other threads and runs may have the same ids.
    scope: `${life.thread.thread_id} ${run.invocation_id}`,
    invocation_id: run.invocation_id,
    attempt: run.attempt,
    fetchPublic: lookAtPublic,
    keyOf: canonicalSpec,
    newId: () => newId("rcpt"),
    now: () => clock.now(),
    sleep: async (ms, until) => {
      await sleep(clock, ms, until);
      until.throwIfAborted();
    },
    signal,
  });
}
