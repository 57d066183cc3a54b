// How long the one thread that serves all requests of a workerd has computed, from Linux's /proc. Other programs of the
// machine, and V8's own helpers, do not count.
import { readFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { findRuntime } from "../../bench/processes/process-usage.ts";

export type Clock = () => number;

/**
 * Milliseconds on a core so far. The server gets a lower priority than its clients: on a busy machine it would compute
 * on while an answer waits to be read, and seem to be busy at once for as long.
 */
export function openThreadClock(): Clock {
  const pid = findRuntime(process.pid);
  if (pid === null) throw new Error("workerd is not below this process");
  setPriority(pid, constants.priority.PRIORITY_LOW);
  const path = `/proc/${pid}/task/${pid}/schedstat`;
  return () => Number(readFileSync(path, "utf8").split(" ", 1)[0]) / 1e6;
}
