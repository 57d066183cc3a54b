// What a thread has stored, read after its server has ended: rows of each table, and bytes.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export interface Stored {
  rows: Record<string, number>;
  bytes: number;
}

/** `folder` is a server's data. An object's file has a name that only workerd knows, so all are looked at. */
export function readStoredThread(folder: string, thread: string): Stored {
  const objects = join(folder, "objects", "ThreadObject");
  for (const name of readdirSync(objects).filter((file) => file.endsWith(".sqlite"))) {
    // What was written last is in the log beside the file, and SQLite reads both.
    const database = new DatabaseSync(join(objects, name), { readOnly: true });
    try {
      if (isThread(database, thread)) return readStored(database);
    } finally {
      database.close();
    }
  }
  throw new Error(`no object has the thread ${thread}`);
}

function isThread(database: DatabaseSync, thread: string): boolean {
  const hasMeta = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'meta'").get() !== undefined;
  if (!hasMeta) return false;
  const row = database.prepare("SELECT value FROM meta WHERE key = 'thread'").get();
  return String(row?.value).includes(JSON.stringify(thread));
}

/** Without the platform's tables, whose names begin with an underscore. */
function readStored(database: DatabaseSync): Stored {
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
  const names = tables.map(({ name }) => String(name)).filter((name) => !/^(_|sqlite_)/.test(name));
  const rows = Object.fromEntries(
    names.map((name) => [name, Number(database.prepare(`SELECT count(*) AS count FROM "${name}"`).get()?.count)]),
  );
  const pages = Number(database.prepare("PRAGMA page_count").get()?.page_count);
  return { rows, bytes: pages * Number(database.prepare("PRAGMA page_size").get()?.page_size) };
}
