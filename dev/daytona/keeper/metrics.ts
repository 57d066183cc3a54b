/**
 * The sandbox's resource usage from `/proc`: the processes of its namespace, or without one those of the groups it
 * started. Without `/proc` (not Linux) all figures are 0.
 */
import { readdir, readFile, statfs } from "node:fs/promises";
import type { Request } from "./channel.ts";
import { groups } from "./commands.ts";
import type { KeeperSettings } from "./settings.ts";

export interface Metrics {
  cpuUsedPct: number;
  memUsed: number;
  diskTotal: number;
  diskFree: number;
  diskUsed: number;
}

/** USER_HZ, the same on every architecture that Node runs on. */
const ticksPerSecond = 100;
/** Two simultaneous requests would otherwise compare with each other. */
const minWindowMs = 200;

interface Sample {
  at: number;
  ticks: number;
}

let former: Sample | undefined;
let lastPercent = 0;

export async function measure(request: Request, settings: KeeperSettings): Promise<Metrics> {
  const { ticks, memory } = await sumProcesses(settings);
  const disk = await statfs(settings.home);
  return {
    cpuUsedPct: compare({ at: Date.now(), ticks }, Number(request.cpus) || 1),
    memUsed: memory,
    diskTotal: disk.blocks * disk.bsize,
    diskFree: disk.bavail * disk.bsize,
    diskUsed: (disk.blocks - disk.bfree) * disk.bsize,
  };
}

/** The share of `cpus` used since the former request; 0 at the first. */
function compare(sample: Sample, cpus: number): number {
  const windowMs = former ? sample.at - former.at : 0;
  if (former && windowMs < minWindowMs) return lastPercent;
  const used = former ? Math.max(0, sample.ticks - former.ticks) : 0;
  former = sample;
  lastPercent = windowMs === 0 ? 0 : (used / ticksPerSecond / (windowMs / 1000) / cpus) * 100;
  return lastPercent;
}

/** Counts the time of each process and of its ended children, so the sum loses nothing when one ends. */
async function sumProcesses(settings: KeeperSettings): Promise<{ ticks: number; memory: number }> {
  let ticks = 0;
  let memory = 0;
  for (const pid of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue;
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    // The name, in brackets, may contain anything, so fields are counted from its end.
    const fields = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    const group = fields[2];
    if (group === undefined || (settings.fenced && !groups.has(group) && Number(pid) !== process.pid)) continue;
    for (const time of fields.slice(11, 15)) ticks += time;
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    memory += Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  }
  return { ticks, memory };
}
