// Runs a program in its own process group. Ends the whole group when the program ends, when it receives a signal, or
// when the process that started it has gone (their channel closes, however that process died). The Worker's runtime,
// workerd, would otherwise outlive it and keep the port.
import { spawn } from "node:child_process";

/** An orderly stop takes less than this. */
const graceMs = 2_000;

const [command = "", ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
child.on("message", (message) => process.send?.(message));
process.on("message", (message: object) => child.send(message, () => {}));

let stopping = false;

function stop(): void {
  if (stopping) return;
  stopping = true;
  child.kill("SIGTERM");
  setTimeout(endGroup, graceMs);
}

/** This process leads the group, so this ends it as well. */
function endGroup(): void {
  process.kill(-process.pid, "SIGKILL");
}

function report(code: number): void {
  if (process.connected) process.send?.(code, endGroup);
  else endGroup();
}

child.once("error", () => report(127));
child.once("exit", (code) => report(code ?? 1));
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, stop);
process.on("disconnect", stop);
