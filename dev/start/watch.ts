// `npm run dev`: rebuilds and restarts the Worker whenever a source changes. If it can't be built or started, prints
// why and keeps the former Worker.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { BuiltWorker } from "./build.ts";
import type { Place, Program } from "./processes.ts";

/**
 * Files are polled rather than watched: Node's recursive watch on Linux loses a file that an editor replaces by
 * renaming another over it. Reading all their times takes some milliseconds.
 */
const lookMs = 400;

export interface Serving {
  worker: BuiltWorker;
  program: Program;
}

export interface Steps {
  build(): Promise<BuiltWorker>;
  /** Applies the clone's migrations to the database while no Worker runs. */
  migrate(worker: BuiltWorker): Promise<void>;
  start(worker: BuiltWorker): Promise<Program>;
}

/** Resolves when everything stops. `built` are the sources as they were before the first build. */
export async function serveChanges(place: Place, built: Sources, first: Serving, steps: Steps): Promise<void> {
  const { signal } = place.stopping;
  const say = (error: unknown): void => {
    if (!signal.aborted) console.error(error instanceof Error ? error.message : String(error));
  };
  let serving: Serving | null = follow(place, first);
  try {
    for await (const path of watchSources(place, built)) {
      console.log(`${path} has changed`);
      const worker = await steps.build().catch(say);
      if (!worker) continue;
      const former: Serving | null = serving;
      await former?.program.stop();
      serving = await replace(worker, former, steps, say);
      if (serving === null) console.error("No server runs until the next change.");
      else follow(place, serving);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function replace(
  worker: BuiltWorker,
  former: Serving | null,
  steps: Steps,
  say: (error: unknown) => void,
): Promise<Serving | null> {
  try {
    await steps.migrate(worker);
    const program = await steps.start(worker);
    console.log("ready");
    return { worker, program };
  } catch (error) {
    say(error);
  }
  if (former === null) return null;
  const program = await steps.start(former.worker).catch(say);
  if (!program) return null;
  console.log("ready: the former version runs again");
  return { worker: former.worker, program };
}

/** Prints an error when the Worker ends unexpectedly. */
function follow({ log, stopping }: Place, serving: Serving): Serving {
  const { program } = serving;
  void program.ended.then(() => {
    if (stopping.signal.aborted || program.isStopping()) return;
    console.error(`The server stopped unexpectedly; it restarts at the next change:\n${log.tail()}`);
  });
  return serving;
}

/** Yields one path for each group of changes; changes while the caller is busy form one more group. */
async function* watchSources({ root, stopping }: Place, built: Sources): AsyncGenerator<string> {
  const { signal } = stopping;
  let before = built;
  for (;;) {
    await wait(lookMs, undefined, { signal });
    const now = await listSources(root);
    const changed = findChange(before, now);
    before = now;
    if (changed !== null) yield changed;
  }
}

function findChange(before: Sources, now: Sources): string | null {
  for (const [path, state] of now) if (before.get(path) !== state) return path;
  for (const path of before.keys()) if (!now.has(path)) return path;
  return null;
}

/** The state of each source by its path. */
export type Sources = Map<string, string>;

export async function listSources(root: string): Promise<Sources> {
  const listed = await Promise.all(
    ["src", "migrations"].map(async (folder) => {
      const names = await readdir(join(root, folder), { recursive: true });
      return names.map((name) => join(folder, name));
    }),
  );
  const files = await Promise.all(
    listed.flat().map(async (path) => {
      const found = await stat(join(root, path)).catch(() => null);
      // A folder's time changes with its files, which are checked themselves.
      return found?.isFile() ? [[path, `${found.ino} ${found.mtimeMs} ${found.size}`] as const] : [];
    }),
  );
  return new Map(files.flat());
}
