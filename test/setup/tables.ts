// A state folder with an empty database and its tables, made once for each set of migrations and kept for later runs.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { applyMigrations } from "../../dev/start/migrations.ts";
import { openState } from "../../dev/start/state.ts";
import { buildTestWorker } from "./build.ts";

const root = join(import.meta.dirname, "../..");
const kept = join(root, "node_modules/.cache/taskloom");

export async function findTables(): Promise<string> {
  const folder = join(kept, `tables-${await hashMigrations()}`);
  if (existsSync(folder)) return folder;
  await mkdir(kept, { recursive: true });
  const made = await mkdtemp(join(kept, "making-"));
  await applyTo(made);
  // The first one wins; what another process made meanwhile is the same.
  await rename(made, folder).catch(() => rm(made, { recursive: true, force: true }));
  return folder;
}

async function applyTo(data: string): Promise<void> {
  const state = await openState(data);
  const { options } = await buildTestWorker();
  await applyMigrations(root, state, options.d1Databases.DB.id);
  await rm(state.folder, { recursive: true, force: true });
}

async function hashMigrations(): Promise<string> {
  const folder = join(root, "migrations");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  const hash = createHash("sha256");
  for (const name of names) hash.update(name).update(await readFile(join(folder, name)));
  return hash.digest("hex").slice(0, 16);
}

/** For vitest: once, before files that run side by side would each make it. */
export async function setup(): Promise<void> {
  await findTables();
}
