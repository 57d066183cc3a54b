// CPU time and memory of a process, and CPU time of the whole machine, from Linux's /proc; null on other systems.
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
export function readCpu(pid: number): number | null {
  const fields = readProc(`${pid}/stat`)?.split(") ")[1]?.split(" ");
  if (fields === undefined) return null;
  return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / TICKS_PER_SECOND;
}

/** What the process holds now, and the most it has held. */
export function readMemoryKib(pid: number, which: "now" | "peak"): number | null {
  const name = which === "now" ? "VmRSS" : "VmHWM";
  const [, size] = new RegExp(`${name}:\\s+(\\d+) kB`).exec(readProc(`${pid}/status`) ?? "") ?? [];
  return size === undefined ? null : Number(size);
}

/**
 * The time so far in which these cores, or all, were busy, in µs, with what a hypervisor gave to other machines.
 */
export function readBusyTime(cores: number[] | null): number | null {
  const stat = readProc("stat");
  const times = (cores?.map(String) ?? [""]).map((core) =>
    busyTimeOf(new RegExp(`^cpu${core} +(.*)$`, "m").exec(stat ?? "")),
  );
  return times.some((time) => time === null) ? null : times.reduce<number>((sum, time) => sum + (time ?? 0), 0);
}

function busyTimeOf(line: RegExpExecArray | null): number | null {
  if (line === null) return null;
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (line[1] ?? "").split(" ").map(Number);
  return ((user + nice + system + irq + softirq + steal) * 1_000_000) / TICKS_PER_SECOND;
}

function readProc(file: string): string | null {
  try {
    return readFileSync(`/proc/${file}`, "utf8");
  } catch {
    return null;
  }
}
