import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { applyMigrations, migrate } from "./migrations.ts";
import { openState, type State } from "./state.ts";

const repository = join(import.meta.dirname, "../..");

let root: string;
let state: State;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "taskloom-migrations-"));
  await cp(join(repository, "migrations"), join(root, "migrations"), { recursive: true });
  state = await openState(join(root, "state"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function withDatabase<T>(work: (database: D1Database) => Promise<T>): Promise<T> {
  const runtime = new Miniflare(
    convertV4MiniflareOptions({
      ...{ name: "test", modules: true, script: "", cf: false, telemetry: { enabled: false } },
      resourcePersistencePath: join(state.data, "v3"),
      d1Databases: { DB: { id: "db" } },
    }),
  );
  try {
    return await work((await runtime.getD1Database("DB")) as D1Database);
  } finally {
    await runtime.dispose();
  }
}

async function list(database: D1Database, sql: string): Promise<unknown[]> {
  const rows = await database.prepare(sql).raw();
  return rows.flat();
}

const recorded = (database: D1Database) => list(database, "SELECT name FROM d1_migrations ORDER BY id");
const hasTable = async (database: D1Database, name: string) =>
  (await list(database, `SELECT name FROM sqlite_master WHERE name = '${name}'`)).length === 1;

describe("migrations", () => {
  it("create the tables and are recorded, once however often they are applied", async () => {
    const names = (await readdir(join(root, "migrations"))).filter((name) => name.endsWith(".sql")).sort();
    await applyMigrations(root, state, "db");
    await withDatabase(async (database) => {
      expect(await recorded(database)).toEqual(names);
      expect(await hasTable(database, "threads")).toBe(true);
      await migrate(database, root);
      expect(await recorded(database)).toEqual(names);
    });
  });

  it("continue where another tool stopped", async () => {
    await applyMigrations(root, state, "db");
    await writeFile(
      join(root, "migrations/9000_next.sql"),
      "CREATE TABLE next (x);\n--> statement-breakpoint\nCREATE TABLE after (x);",
    );
    await applyMigrations(root, state, "db");
    await withDatabase(async (database) => {
      expect((await recorded(database)).at(-1)).toBe("9000_next.sql");
      expect(await hasTable(database, "after")).toBe(true);
    });
  });

  it("are not applied to a database of a version before 0.2.0, which stays as it is", async () => {
    await withDatabase(async (database) => {
      await database.batch(
        [
          "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP)",
          "INSERT INTO d1_migrations (name) VALUES ('0000_initial.sql'), ('0017_receipts.sql')",
        ].map((query) => database.prepare(query)),
      );
      await expect(migrate(database, root)).rejects.toThrow("npm start -- --state DIR");
      expect(await recorded(database)).toEqual(["0000_initial.sql", "0017_receipts.sql"]);
      expect(await hasTable(database, "threads")).toBe(false);
    });
  });

  it("leave nothing of one that fails, and are tried again", async () => {
    await writeFile(
      join(root, "migrations/9000_next.sql"),
      "CREATE TABLE next (x);\n--> statement-breakpoint\nCREATE TABLE next (x);",
    );
    await expect(applyMigrations(root, state, "db")).rejects.toThrow("next");
    await withDatabase(async (database) => {
      expect(await recorded(database)).not.toContain("9000_next.sql");
      expect([await hasTable(database, "threads"), await hasTable(database, "next")]).toEqual([true, false]);
    });
    await writeFile(join(root, "migrations/9000_next.sql"), "CREATE TABLE next (x);");
    await applyMigrations(root, state, "db");
    await withDatabase(async (database) => expect(await hasTable(database, "next")).toBe(true));
  });
});
