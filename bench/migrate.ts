// The tables of a database in Miniflare, as `wrangler d1 migrations apply` would make them.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Miniflare } from "miniflare";

const folder = join(import.meta.dirname, "../migrations");

export async function migrate(server: Miniflare): Promise<void> {
  const database = await server.getD1Database("DB");
  const files = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  for (const file of files) {
    const text = await readFile(join(folder, file), "utf8");
    for (const statement of text.split("--> statement-breakpoint")) await database.prepare(statement).run();
  }
}
