// How many bytes a turn and a step store: in D1 by table and column, and in the thread's object. Whole pages are counted, as
// Cloudflare bills them, over so many threads that a page more or less does not show.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { takeTurn } from "../load/turn.ts";
import { bundleWorker } from "../processes/bundle.ts";
import { startDatabase } from "../targets/d1.ts";
import { startServer } from "../targets/servers.ts";
import { API_KEY } from "../targets/targets.ts";
import { startPlanningModel } from "./model.ts";
import type { Units } from "./units.ts";
import { mix } from "./usage.ts";

export interface Column {
  table: string;
  column: string;
  /** Of one first turn, one later turn, one step. */
  bytes: [number, number, number];
}

export interface Measured extends Units {
  columns: Column[];
}

const root = join(import.meta.dirname, "../..");

const THREADS = 100;
const PLANS = 4;
/** A reply of some sentences. */
const reply = { tokens: 150, rate: 0, steps: 0 };

export async function measureBytes(folder: string): Promise<Measured> {
  const bundle = await bundleWorker("src/index.ts", join(folder, "product"));
  const d1 = await startDatabase(root, join(folder, "d1"));
  const model = await startPlanningModel();
  const parts = { product: bundle, chat_agent: null, model: model.url, d1: d1.url, folder };
  const data = join(folder, "server");
  const server = await startServer("taskloom", parts, data);
  const key = await makeUser(server.url);
  const take = (thread: number, steps: number) =>
    takeTurn({ name: "taskloom", url: server.url, key }, threadId(thread), { ...reply, steps });
  const stages: Stored[] = [];
  const note = async (): Promise<void> => void stages.push(readStored(join(folder, "d1"), join(data, "objects")));
  try {
    await take(THREADS, 0);
    await note();
    for (let thread = 0; thread < THREADS; thread++) await take(thread, 0);
    await note();
    for (let thread = 0; thread < THREADS; thread++) await take(thread, 0);
    await note();
    for (let thread = 0; thread < PLANS; thread++) await take(thread, mix.plan_steps);
    await note();
    await removeThreads(server.url, key, THREADS / 2);
    await note();
  } finally {
    await server.stop();
    model.close();
    await d1.stop();
  }
  return toUnits(stages);
}

/** Ids as long as the server's own: they stand in each row and each index. */
function threadId(number: number): string {
  return `thread_${String(number).padStart(26, "0")}`;
}

async function makeUser(url: string): Promise<string> {
  const headers = { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" };
  const answer = await fetch(`${url}/v1/users`, { method: "POST", headers, body: "{}" });
  return String(((await answer.json()) as { api_key?: string }).api_key);
}

async function removeThreads(url: string, key: string, count: number): Promise<void> {
  const headers = { authorization: `Bearer ${key}` };
  for (let n = 0; n < count; n++) {
    const answer = await fetch(`${url}/v1/threads/${threadId(THREADS - 1 - n)}`, { method: "DELETE", headers });
    if (answer.status !== 204) throw new Error(`a thread was not deleted: ${answer.status}`);
  }
}

interface Stored {
  d1: number;
  objects: number;
  columns: Map<string, number>;
  tombstones: number;
}

function toUnits(stages: Stored[]): Measured {
  const [before, first, second, plans, removed] = stages as [Stored, Stored, Stored, Stored, Stored];
  const grown = (pick: (stage: Stored) => number) => {
    const first_turn = (pick(first) - pick(before)) / THREADS;
    const turn = (pick(second) - pick(first)) / THREADS;
    // A plan's run ends with a turn of its own.
    const step = ((pick(plans) - pick(second)) / PLANS - turn) / mix.plan_steps;
    return { first_turn, turn, step };
  };
  const names = [...plans.columns.keys()].sort();
  const columns = names.map((name): Column => {
    const { first_turn, turn, step } = grown((stage) => stage.columns.get(name) ?? 0);
    const [table = "", column = ""] = name.split(".");
    return { table, column, bytes: [first_turn, turn, step] };
  });
  return {
    d1: grown((stage) => stage.d1),
    object: grown((stage) => stage.objects),
    tombstone: removed.tombstones / (THREADS / 2),
    columns,
  };
}

const TABLES = ["threads", "projects", "runs", "messages"];

function readStored(d1: string, objects: string): Stored {
  const database = new DatabaseSync(findDatabase(d1), { readOnly: true, timeout: 20_000 });
  try {
    const columns = new Map<string, number>();
    for (const table of TABLES) {
      const names = database
        .prepare(`PRAGMA table_info(${table})`)
        .all()
        .map(({ name }) => String(name));
      const sums = names.map((name) => `coalesce(sum(length(CAST("${name}" AS BLOB))), 0) AS "${name}"`).join(", ");
      const row = database.prepare(`SELECT ${sums} FROM ${table}`).get() ?? {};
      for (const name of names) columns.set(`${table}.${name}`, Number(row[name]));
    }
    const size = database.prepare("SELECT sum(pgsize - unused) AS bytes FROM dbstat").get();
    const left = database.prepare(
      `SELECT sum(length(user_id) + length(thread_id) + 2 * length(created_at) + length(deleted_at) + length(metadata) + 12)
       AS bytes FROM threads WHERE deleted_at IS NOT NULL`,
    );
    return { d1: Number(size?.bytes), objects: sizeOf(objects), columns, tombstones: Number(left.get()?.bytes ?? 0) };
  } finally {
    database.close();
  }
}

function findDatabase(folder: string): string {
  const files = readdirSync(folder, { recursive: true }).map(String);
  const found = files.filter((name) => name.endsWith(".sqlite") && !name.includes("metadata"));
  const sizes = found.map((name) => ({ name, size: statSync(join(folder, name)).size }));
  const [largest] = sizes.sort((one, other) => other.size - one.size);
  if (largest === undefined) throw new Error(`no database in ${folder}`);
  return join(folder, largest.name);
}

/** What is used of the pages of all objects' databases. */
function sizeOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true }).map(String);
  return files
    .filter((name) => name.endsWith(".sqlite") && !name.includes("metadata"))
    .reduce((sum, name) => sum + usedOf(join(folder, name)), 0);
}

function usedOf(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 20_000 });
  try {
    return Number(database.prepare("SELECT coalesce(sum(pgsize - unused), 0) AS bytes FROM dbstat").get()?.bytes);
  } finally {
    database.close();
  }
}
