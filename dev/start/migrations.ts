// Creates the tables of a local database as `wrangler d1 migrations apply` does, and records migrations where it does,
// so that either tool finds what the other has applied. Takes tens of milliseconds where wrangler takes seconds.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type State, writeOwn } from "./state.ts";

type Database = Pick<D1Database, "prepare" | "batch">;

const RECORDS = `CREATE TABLE IF NOT EXISTS d1_migrations(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

/** The separator that drizzle writes between two statements of a migration. */
const BREAKPOINT = "--> statement-breakpoint";

/**
 * Each migration and its record are one transaction: after a kill both exist or neither. Changes nothing where the
 * database is of a version before 0.2.0.
 */
export async function migrate(database: Database, root: string): Promise<void> {
  await database.prepare(RECORDS).run();
  const { results } = await database.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
  const applied = results.map(({ name }) => name);
  const all = await listMigrations(root);
  const former = findFormer(applied, all);
  if (former !== null) {
    throw new Error(
      `This state folder is of a version before 0.2.0: its database records ${former}. Nothing was changed.\nUse a new folder: npm start -- --state DIR`,
    );
  }
  for (const name of all) {
    if (applied.includes(name)) continue;
    const text = await readFile(join(root, "migrations", name), "utf8");
    const statements = text.split(BREAKPOINT).map((statement) => database.prepare(statement));
    const record = database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name);
    await database.batch([...statements, record]);
  }
}

/**
 * Runs before the Worker does: objects that wake with it must not meet older tables. Applied migrations are also
 * recorded in a file beside the database, which is deleted with it, so a start that has nothing to apply opens no
 * runtime.
 */
export async function applyMigrations(root: string, state: State, databaseId: string): Promise<void> {
  if (await isMigrated(root, state)) return;
  // Loaded here, since most starts need none of its 6 MB.
  const { convertV4MiniflareOptions, Miniflare } = await import("./miniflare.ts");
  const runtime = new Miniflare(
    convertV4MiniflareOptions({
      ...{ name: "migrations", modules: true, script: "", cf: false, telemetry: { enabled: false } },
      resourcePersistencePath: join(state.data, "v3"),
      d1Databases: { DB: { id: databaseId } },
    }),
  );
  try {
    await migrate(await runtime.getD1Database("DB"), root);
  } finally {
    await runtime.dispose();
  }
  await writeOwn(appliedPath(state), (await listMigrations(root)).join("\n"));
}

export async function isMigrated(root: string, state: State): Promise<boolean> {
  const applied = await readFile(appliedPath(state), "utf8").catch(() => "");
  return applied === (await listMigrations(root)).join("\n");
}

function appliedPath({ data }: State): string {
  return join(data, "v3/d1/applied-migrations");
}

/** A migration that comes before the first one here: a version before 0.2.0 made the database, or another program. */
export function findFormer(applied: string[], [first = ""]: string[]): string | null {
  return applied.find((name) => name < first) ?? null;
}

export async function listMigrations(root: string): Promise<string[]> {
  return (await readdir(join(root, "migrations"))).filter((name) => name.endsWith(".sql")).sort();
}
