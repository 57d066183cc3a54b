// How much a measurement was disturbed. Two signs: CPU time on the bench's cores that neither it nor its programs used,
// and a fixed piece of work that takes longer than usual, which also shows what /proc can't see (a neighbour on the same
// host, a lower clock).
import { spawnSync } from "node:child_process";
import { readBusyTime, readCpu } from "./process-usage.ts";
import { type Core, canPin, type NodeProgram, running, startProgram } from "./programs.ts";

export interface Disturbance {
  /** How many of the bench's cores others kept busy, on average. Null where the system doesn't say. */
  foreign_cores: number | null;
  /** How much longer the fixed work took than it usually takes: 1 is undisturbed. */
  slowdown: number;
}

/** Beyond either of these a measurement is noisy. */
export const limits = { foreign_cores: 0.1, slowdown: 1.25 };

/** The kernel counts in ticks of 10 ms, and so many can be counted on the wrong side of a measurement's borders. */
const UNCERTAIN_US = 30_000;

export interface Watched<T> {
  result: T;
  disturbance: Disturbance;
  /** The share of its core that the model, D1 and the clients used. Near 1 they are what limits. */
  helpers_busy: number | null;
}

export interface Watch {
  during<T>(work: () => Promise<T>): Promise<Watched<T>>;
}

// A server may still work on what its clients left behind: that is no slow machine.
const SETTLE_MS = 200;

// The first probes learn what is usual.
const FIRST_PROBES = 10;

export async function startWatch(): Promise<Watch> {
  const cores: Core[] = canPin ? [0, 1] : [0];
  // This process has little to do, and does it where it is counted.
  if (canPin) spawnSync("taskset", ["-cp", "1", String(process.pid)]);
  const probes = await Promise.all(cores.map(async (core) => (await startProgram("processes/probe.ts", core)).program));
  let usual = Number.POSITIVE_INFINITY;
  const probe = async (): Promise<number> => {
    const times = await Promise.all(probes.map(timeOf));
    usual = Math.min(usual, ...times);
    return Math.max(...times);
  };
  for (let count = 0; count < FIRST_PROBES; count++) await probe();
  const readBusy = (): number | null => readBusyTime(canPin ? cores : null);
  return {
    async during(work) {
      const before = await probe();
      const [busy, own, begun] = [readBusy(), readOwnTime(), performance.now()];
      const result = await work();
      const elapsed = (performance.now() - begun) * 1000;
      const [busyNow, ownNow] = [readBusy(), readOwnTime()];
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const slowdown = Math.max(before, await probe()) / usual;
      if (busy === null || busyNow === null) {
        return { result, disturbance: { foreign_cores: null, slowdown }, helpers_busy: null };
      }
      const foreign = Math.max(0, busyNow - busy - (ownNow.all - own.all) - UNCERTAIN_US);
      const disturbance = { foreign_cores: foreign / elapsed, slowdown };
      return { result, disturbance, helpers_busy: (ownNow.helpers - own.helpers) / elapsed };
    },
  };
}

export function isNoisy({ foreign_cores, slowdown }: Disturbance): boolean {
  return (foreign_cores ?? 0) > limits.foreign_cores || slowdown > limits.slowdown;
}

async function timeOf(program: NodeProgram): Promise<number> {
  return Number((await program.ask({ probe: true })).ms);
}

/** In µs. The helpers are what does not run on the server's core. */
function readOwnTime(): { all: number; helpers: number } {
  const times = [...running].map(({ pid, core }) => ({ core, time: readCpu(pid) ?? 0 }));
  const sum = (chosen: typeof times): number => chosen.reduce((total, { time }) => total + time, 0);
  return { all: sum(times) + (readCpu(process.pid) ?? 0), helpers: sum(times.filter(({ core }) => core === 1)) };
}
