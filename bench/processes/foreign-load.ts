// How much the machine was disturbed during a measurement. Two signs: CPU time that neither the bench nor its programs
// used, and a fixed piece of work that takes longer than usual, which also shows what /proc can't see (a neighbour on
// the same host, a lower clock).
import { availableParallelism } from "node:os";
import { readBusyTime, readCpu } from "./process-usage.ts";
import { type Core, type NodeProgram, running, startProgram } from "./programs.ts";

export interface Disturbance {
  /** Cores that others kept busy, on average. */
  foreign_cores: number;
  /** How much longer the fixed work took than it usually takes: 1 is undisturbed. */
  slowdown: number;
}

/** The kernel counts in ticks of 10 ms, and so many can be counted on the wrong side of a measurement's borders. */
const UNCERTAIN_US = 30_000;

/** Beyond either of these a measurement is noisy. */
export const limits: Disturbance = { foreign_cores: 0.1, slowdown: 1.25 };

export interface Watch {
  /** Measures `work`, and what disturbed it. */
  during<T>(work: () => Promise<T>): Promise<{ result: T; disturbance: Disturbance }>;
}

export async function startWatch(): Promise<Watch> {
  const cores: Core[] = availableParallelism() > 1 ? [0, 1] : [0];
  const probes = await Promise.all(cores.map(async (core) => (await startProgram("processes/probe.ts", core)).program));
  let usual = Number.POSITIVE_INFINITY;
  const probe = async (): Promise<number> => {
    const times = await Promise.all(probes.map(timeOf));
    usual = Math.min(usual, ...times);
    return Math.max(...times);
  };
  return {
    async during(work) {
      const before = await probe();
      const [busy, own, begun] = [readBusyTime(), readOwnTime(), performance.now()];
      const result = await work();
      const elapsed = (performance.now() - begun) * 1000;
      const foreign = (readBusyTime() ?? 0) - (busy ?? 0) - (readOwnTime() - own) - UNCERTAIN_US;
      const after = await probe();
      const slowdown = Math.max(before, after) / usual;
      return { result, disturbance: { foreign_cores: Math.max(0, foreign) / elapsed, slowdown } };
    },
  };
}

export function isNoisy({ foreign_cores, slowdown }: Disturbance): boolean {
  return foreign_cores > limits.foreign_cores || slowdown > limits.slowdown;
}

async function timeOf(program: NodeProgram): Promise<number> {
  return Number((await program.ask({ probe: true })).ms);
}

function readOwnTime(): number {
  const pids = new Set([process.pid, ...[...running].map(({ pid }) => pid)]);
  return [...pids].reduce((sum, pid) => sum + (readCpu(pid) ?? 0), 0);
}
