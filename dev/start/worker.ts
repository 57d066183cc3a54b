// Starts the Worker in a process of its own and waits until it answers. That process loads Miniflare for as long as all
// takes that comes before the Worker can start, so it is begun first.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type Place, type Program, startProgram } from "./processes.ts";
import type { RuntimeSettings } from "./runtime-options.ts";
import type { State } from "./state.ts";

/** A cold start takes less than a second here; a slow machine may take many times as long. */
const startMs = 60_000;

/** Begins the Worker's process, which then waits for `startWorker`. */
export async function beginRuntime(place: Place, state: State): Promise<Program> {
  // Files that a killed runtime left behind are removed by the next start.
  const temporary = join(state.folder, "tmp");
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
  return await startProgram(place, join(import.meta.dirname, "runtime.ts"), [temporary]);
}

/** Resolves once the Worker answers. */
export async function startWorker(place: Place, program: Program, run: RuntimeSettings): Promise<void> {
  // Again: it stops before what it asks, which began after it.
  await place.stopping.add(() => program.stop());
  program.send(run);
  const failed = program.ended.then((): never => {
    throw new Error(`the Worker did not start:\n${place.log.tail()}`);
  });
  const late = wait(startMs, undefined, { signal: place.stopping.signal, ref: false }).then(() => {
    throw new Error(`the Worker was not ready within ${startMs / 1000} s:\n${place.log.tail()}`);
  });
  await Promise.race([program.ready, failed, late]);
  await checkHealth(run.port);
}

async function checkHealth(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(startMs) });
  const text = await response.text();
  if (!response.ok) throw new Error(`the Worker's health check failed: ${response.status} ${text.slice(0, 300)}`);
}
