// `npm run dev`: builds and starts the Worker anew whenever a source changes. What can't be built is said, and the former
// Worker goes on.
import { watch } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { BuiltWorker } from "./build.ts";
import type { Place, Program } from "./processes.ts";

/** An editor writes a file in several steps, and a checkout many files. */
const settleMs = 150;

/** Resolves when everything stops. */
export async function serveAnew(
  place: Place,
  first: Program,
  build: () => Promise<BuiltWorker>,
  serve: (worker: BuiltWorker) => Promise<Program>,
): Promise<void> {
  const { signal } = place.stopping;
  let program = first;
  try {
    for await (const path of watchSources(place)) {
      console.log(`${path} has changed`);
      try {
        const worker = await build();
        await program.stop();
        program = await serve(worker);
        console.log("ready");
      } catch (error) {
        if (!signal.aborted) console.error(error instanceof Error ? error.message : String(error));
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** One path for each group of changes; changes that come while the caller is at work are one more. */
async function* watchSources({ root, stopping }: Place): AsyncGenerator<string> {
  const { signal } = stopping;
  let changed = Promise.withResolvers<void>();
  let latest = "";
  const follow = async (folder: string): Promise<void> => {
    for await (const { filename } of watch(join(root, folder), { recursive: true, signal })) {
      latest = join(folder, filename ?? "");
      changed.resolve();
    }
  };
  const followed = Promise.all([follow("src"), follow("migrations")]);
  for (;;) {
    await Promise.race([changed.promise, followed]);
    await wait(settleMs, undefined, { signal });
    changed = Promise.withResolvers<void>();
    yield latest;
  }
}
