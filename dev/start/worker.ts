// The Worker under `wrangler dev`: its tables, its start, and the clock that Cloudflare would be.
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { startClock } from "./clock.ts";
import { type Place, runProgram, startProgram } from "./processes.ts";
import { formatSettings, type Settings } from "./settings.ts";
import { type State, writeOwn } from "./state.ts";

/** A cold start takes two seconds here; a slow machine may take twenty times as long. */
const startMs = 60_000;
const pollMs = 50;
const minuteMs = 60_000;

/**
 * Wrangler takes seconds to find that nothing is left to apply: what was applied is written down beside the database, so
 * that it goes when that does.
 */
export async function applyMigrations(place: Place, state: State): Promise<void> {
  const applied = join(state.data, "v3/d1/applied-migrations");
  const names = (await readdir(join(place.root, "migrations"))).filter((name) => name.endsWith(".sql")).sort();
  if ((await readFile(applied, "utf8").catch(() => "")) === names.join("\n")) return;
  const args = ["d1", "migrations", "apply", "taskloom", "--local", "--persist-to", state.data];
  // Outside a terminal nothing is asked.
  await runProgram(place, "wrangler", args, { ...registryOf(state), CI: "true" });
  await writeOwn(applied, names.join("\n"));
}

/** Resolves once the Worker answers; the promise inside resolves when it has ended. */
export async function startWorker(
  place: Place,
  state: State,
  port: number,
  settings: Settings,
): Promise<{ ended: Promise<number> }> {
  await writeOwn(state.settings, formatSettings(settings));
  await place.stopping.add(() => rm(state.settings, { force: true }));
  const args = [
    "dev",
    ...["--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0"],
    ...["--persist-to", state.data, "--env-file", state.settings],
    // Routes of a deployment would else stand in for the host that was asked for, and previews are told by theirs.
    "--infer-origin-from-routes=false",
    "--show-interactive-dev-session=false",
  ];
  const program = await startProgram(place, "wrangler", args, registryOf(state));
  const failed = program.ended.then(() => {
    throw new Error(`the Worker did not start:\n${place.log.tail()}`);
  });
  await Promise.race([untilHealthy(place, port), failed]);
  return { ended: program.ended };
}

/** Each instance has a registry of its own, so that two on one machine do not see each other. */
function registryOf(state: State): Record<string, string> {
  return { WRANGLER_REGISTRY_PATH: join(state.folder, "registry") };
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

/** Locally no cron fires by itself: this asks for it each minute, as the platform would. */
export async function driveCron({ stopping, log }: Place, port: number): Promise<void> {
  const query = new URLSearchParams({ cron: "* * * * *" });
  const tick = async (): Promise<void> => {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/cdn-cgi/local/scheduled?${query}`, {
        signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(minuteMs)]),
      });
      await response.body?.cancel();
      if (!response.ok) log.add(`cron: ${response.status}`);
    } catch (error) {
      if (!stopping.signal.aborted) log.add(`cron: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  await stopping.add(startClock(() => void tick()));
}
