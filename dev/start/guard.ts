// Runs a program in a process group of its own and ends the whole group when the program ends, when it is told to, or when
// the process that started it is gone (the channel to it closes, however that process died). The Worker's runtime is a workerd
// that would otherwise outlive it and keep the port.
import { spawn } from "node:child_process";

/** What stops in an orderly way does so well within this. */
const graceMs = 2_000;

const [command = "", ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
child.on("message", (message) => process.send?.(message));

let stopping = false;

function stop(): void {
  if (stopping) return;
  stopping = true;
  child.kill("SIGTERM");
  setTimeout(endGroup, graceMs);
}

/** We lead the group, so this ends us as well. */
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
