// Reads what a dead runtime has left on disk: the objects' own SQLite files and D1's, without the product's help. It
// reads copies, so that reading changes nothing; nobody may write meanwhile.
import { cp, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export interface StoredMessage {
  seq: number;
  message_id: string;
  type: string;
  /** JSON, as it is stored. */
  content: string;
  metadata: string;
}

export interface StoredRun {
  status: string;
  released: boolean;
  attempt: number;
  /** How many lives have resumed it since it last made progress. */
  lives: number;
}

/** One thread in one of the two places; a thread of this harness has one run. */
export interface StoredThread {
  messages: StoredMessage[];
  run: StoredRun | null;
  /** The highest number that an event may have had; only the object knows it. */
  newest: number;
}

export interface Stored {
  /** By thread. */
  objects: Map<string, StoredThread>;
  database: Map<string, StoredThread>;
}

const nothing: StoredThread = { messages: [], run: null, newest: 0 };

export class Disk {
  readonly #state: string;
  /** The thread of each object's file. */
  readonly #owners = new Map<string, string>();

  constructor(state: string) {
    this.#state = state;
  }

  /** Reads everything that is stored about these threads. */
  async read(threads: string[]): Promise<Stored> {
    const wanted = new Set(threads);
    const objects = new Map<string, StoredThread>();
    for (const file of await listDatabases(this.#state, "objects")) {
      const owner = this.#owners.get(file);
      if (owner !== undefined && !wanted.has(owner)) continue;
      await withCopy(file, (sqlite) => {
        const thread = readOwner(sqlite);
        if (thread === null) return;
        this.#owners.set(file, thread);
        if (wanted.has(thread)) objects.set(thread, readObject(sqlite));
      });
    }
    const database = new Map<string, StoredThread>();
    for (const file of await listDatabases(this.#state, "database")) {
      await withCopy(file, (sqlite) => {
        for (const thread of threads) database.set(thread, readRows(sqlite, thread));
      });
    }
    return { objects, database };
  }
}

export function threadOf(places: Map<string, StoredThread>, thread: string): StoredThread {
  return places.get(thread) ?? nothing;
}

/** What was read of each file when it was last looked at. */
export type Memory<T> = Map<string, { stamp: string; value: T | null }>;

/**
 * What `read` returns for each object's SQLite that holds a thread, or for D1's. A file that has not changed since
 * `memory` had it is not read again: most objects sleep.
 */
export async function readDatabases<T>(
  state: string,
  which: keyof typeof folders,
  read: (sqlite: DatabaseSync) => T,
  memory: Memory<T> = new Map(),
): Promise<T[]> {
  const values: T[] = [];
  for (const file of await listDatabases(state, which)) {
    const stamp = await stampOf(file);
    let known = memory.get(file);
    if (known?.stamp !== stamp) {
      const value = await withCopy(file, (sqlite) =>
        which === "database" || readOwner(sqlite) !== null ? read(sqlite) : null,
      );
      known = { stamp, value };
      memory.set(file, known);
    }
    if (known.value !== null) values.push(known.value);
  }
  return values;
}

/** Changes with each write to the file or its log. */
async function stampOf(file: string): Promise<string> {
  const stats = [file, `${file}-wal`].map((each) => stat(each, { bigint: true }).catch(() => null));
  return (await Promise.all(stats)).map((each) => `${each?.mtimeNs} ${each?.size}`).join(" ");
}

const folders = { objects: "do/taskloom-ThreadObject", database: "d1/miniflare-D1DatabaseObject" };

async function listDatabases(state: string, which: keyof typeof folders): Promise<string[]> {
  const folder = join(state, folders[which]);
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name)).map((name) => join(folder, name));
}

/** Copies the file and its log; SQLite rebuilds the log's index when it opens them. */
async function withCopy<T>(file: string, read: (sqlite: DatabaseSync) => T): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "taskloom-look-"));
  try {
    const copy = join(folder, basename(file));
    await cp(file, copy);
    await cp(`${file}-wal`, `${copy}-wal`).catch(() => undefined);
    const sqlite = new DatabaseSync(copy);
    const value = read(sqlite);
    sqlite.close();
    return value;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function hasTable(sqlite: DatabaseSync, name: string): boolean {
  return sqlite.prepare("SELECT 1 FROM sqlite_master WHERE name = ?").get(name) !== undefined;
}

/** Null for an object that holds no thread. */
function readOwner(sqlite: DatabaseSync): string | null {
  if (!hasTable(sqlite, "meta")) return null;
  const row = sqlite.prepare("SELECT value ->> '$.thread.thread_id' AS id FROM meta WHERE key = 'thread'").get();
  return row === undefined ? null : String(row.id);
}

function readObject(sqlite: DatabaseSync): StoredThread {
  // The end of a run counts as released once the position says so.
  const run = sqlite
    .prepare(
      `SELECT status, released = 1 AND end_seq <= (SELECT value ->> '$.released' FROM meta WHERE key = 'synced') AS released,
         run ->> '$.attempt' AS attempt, json_array_length(lives) AS lives FROM runs`,
    )
    .get();
  const newest = sqlite.prepare("SELECT value FROM meta WHERE key = 'reserved_through'").get();
  return {
    messages: sqlite
      .prepare("SELECT seq, message_id, type, content, metadata FROM messages ORDER BY seq")
      .all()
      .map(toMessage),
    run: run === undefined ? null : toRun(run),
    newest: Number(newest?.value ?? 0),
  };
}

function readRows(sqlite: DatabaseSync, thread: string): StoredThread {
  if (!hasTable(sqlite, "messages")) return nothing;
  const run = sqlite.prepare("SELECT status, run ->> '$.attempt' AS attempt FROM runs WHERE thread_id = ?").get(thread);
  return {
    messages: sqlite
      .prepare("SELECT seq, message_id, type, content, metadata FROM messages WHERE thread_id = ? ORDER BY seq")
      .all(thread)
      .map(toMessage),
    run: run === undefined ? null : toRun(run),
    newest: 0,
  };
}

function toMessage(row: Record<string, unknown>): StoredMessage {
  const { seq, message_id, type, content, metadata } = row;
  return {
    seq: Number(seq),
    message_id: String(message_id),
    type: String(type),
    content: String(content),
    metadata: String(metadata),
  };
}

function toRun(row: Record<string, unknown>): StoredRun {
  const { status, released, attempt, lives } = row;
  return { status: String(status), released: released === 1, attempt: Number(attempt), lives: Number(lives ?? 0) };
}
