// The Worker in a process of its own, until it answers.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type Place, type Program, startProgram } from "./processes.ts";
import type { RuntimeSettings } from "./runtime-options.ts";
import { type State, writeOwn } from "./state.ts";

/** A cold start takes less than a second here; a slow machine may take many times as long. */
const startMs = 60_000;
const pollMs = 20;

/** Resolves once the Worker answers. */
export async function startWorker(place: Place, state: State, run: RuntimeSettings): Promise<Program> {
  await writeOwn(state.settings, JSON.stringify(run));
  await place.stopping.add(() => rm(state.settings, { force: true }));
  // What the runtime leaves behind when it is killed goes with the next start.
  const temporary = join(state.folder, "tmp");
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
  const file = join(import.meta.dirname, "runtime.ts");
  const program = await startProgram(place, file, [state.settings], { TMPDIR: temporary });
  const failed = program.ended.then(() => {
    throw new Error(`the Worker did not start:\n${place.log.tail()}`);
  });
  await Promise.race([untilHealthy(place, run.port), failed]);
  return program;
}

async function untilHealthy({ stopping, log }: Place, port: number): Promise<void> {
  const deadline = Date.now() + startMs;
  let last = "no answer";
  while (Date.now() < deadline) {
    stopping.signal.throwIfAborted();
    try {
      const response = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(5_000) });
      const text = await response.text();
      if (response.ok) return;
      last = `${response.status} ${text.slice(0, 300)}`;
    } catch {
      // Not listening yet.
    }
    await wait(pollMs, undefined, { signal: stopping.signal });
  }
  throw new Error(`the Worker was not ready within ${startMs / 1000} s (${last}):\n${log.tail()}`);
}
