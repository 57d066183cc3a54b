// Builds the Worker as `npm start` does, for tests that run it in their own process.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BuildChoice, type BuiltWorker, buildWorker } from "../../dev/start/build.ts";
import { Log } from "../../dev/start/log.ts";
import { Stopping } from "../../dev/start/stopping.ts";

const root = join(import.meta.dirname, "../..");

export async function buildTestWorker(choice: Partial<BuildChoice> = {}, of = root): Promise<BuiltWorker> {
  const folder = await mkdtemp(join(tmpdir(), "taskloom-build-"));
  const log = new Log(join(folder, "log"));
  log.open([]);
  const stopping = new Stopping();
  try {
    return await buildWorker({ root: of, log, stopping }, choice);
  } finally {
    await stopping.stop();
    log.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** For vitest: once, before files that run side by side would each build it. */
export async function setup(): Promise<void> {
  await buildTestWorker();
}
