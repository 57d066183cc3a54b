// The runner of checks for one life of a run, or of a request to run checks again.
import type { CheckRunPorts } from "../../agent/checks/run/ports.ts";
import { createCheckRunner } from "../../agent/checks/run/runner.ts";
import type { CheckRunner } from "../../agent/checks/runner.ts";
import { canonicalSpec } from "../../agent/checks/spec.ts";
import type { Sandbox } from "../../agent/sandbox.ts";
import { newId } from "../../protocol/ids.ts";
import type { Life } from "../life.ts";
import type { RunRecord } from "../rows/runs.ts";
import { sleep } from "../sleep.ts";

/** `scope` begins with the thread: the sandbox is the project's, and other threads' calls may have the same ids. */
export type ChecksOf = Pick<CheckRunPorts, "scope" | "attempt" | "invocation_id">;

export function ofRun({ thread }: Life, { run: { invocation_id, attempt } }: RunRecord): ChecksOf {
  return { scope: `${thread.thread_id} ${invocation_id}`, attempt, invocation_id };
}

export function openChecks(life: Life, of: ChecksOf, sandbox: Sandbox, signal: AbortSignal): CheckRunner {
  const { clock, askAddress, othersAtWork } = life.ports;
  const { thread } = life;
  return createCheckRunner({
    ...of,
    place: sandbox.checks,
    fetchPublic: (address, until) => askAddress(thread.user_id, address, until),
    othersAtWork: (since) => othersAtWork(thread, thread.project_id, since),
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
