// CPU time and memory of a server's workerd, from Linux's /proc; null on other systems.
import { readdirSync, readFileSync } from "node:fs";

// USER_HZ, the unit of /proc, is the same on every Linux that Node runs on.
const TICKS_PER_SECOND = 100;

/** Finds the workerd among a process's descendants. */
export function findRuntime(pid: number): number | null {
  try {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      const children = readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean);
      for (const child of children.map(Number)) {
        if (readFileSync(`/proc/${child}/comm`, "utf8").trim() === "workerd") return child;
        const below = findRuntime(child);
        if (below !== null) return below;
      }
    }
  } catch {
    // There is no /proc, or the process has gone.
  }
  return null;
}

/** User and system time so far, in µs. */
export function readCpu(pid: number | null): number | null {
  const fields = readProc(pid, "stat")?.split(") ")[1]?.split(" ");
  if (fields === undefined) return null;
  return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / TICKS_PER_SECOND;
}

export function readMemoryKib(pid: number | null): number | null {
  const [, size] = /VmRSS:\s+(\d+) kB/.exec(readProc(pid, "status") ?? "") ?? [];
  return size === undefined ? null : Number(size);
}

function readProc(pid: number | null, file: string): string | null {
  try {
    return pid === null ? null : readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return null;
  }
}
