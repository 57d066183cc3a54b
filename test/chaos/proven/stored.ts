// Reads what a dead runtime has left of runs with checks: the plan and the receipts of each object, and those in D1.
import type { Receipt } from "../../../src/protocol/plan/check.ts";
import type { Plan } from "../../../src/protocol/plan/task.ts";
import { readDatabases } from "../stored.ts";

export interface StoredProof {
  run: string;
  status: string;
  /** How many lives have resumed it since it last made progress. */
  lives: number;
  attempt: number;
  steps: number;
  plan: Plan;
  receipts: Receipt[];
  /** Where the life was: running checks of a task, judging a last reply, or elsewhere. */
  place: "task" | "end" | "elsewhere" | "over";
}

/** What D1 has of a thread. */
export interface Copy {
  /** The newest; null if there is none. */
  plan: Plan | null;
  /** Ids of the receipts, in order. */
  receipts: string[];
}

export interface Proofs {
  objects: Map<string, StoredProof>;
  /** By thread. */
  copies: Map<string, Copy>;
}

type Reader = Parameters<typeof readDatabases>[2];
type Sqlite = Parameters<Reader>[0];

export async function readProofs(state: string): Promise<Proofs> {
  const objects = new Map<string, StoredProof>();
  for (const proof of await readDatabases(state, "objects", readProof))
    if (proof !== null) objects.set(proof.run, proof);
  const copies = new Map<string, Copy>();
  await readDatabases(state, "database", (sqlite) => readCopies(sqlite, copies));
  return { objects, copies };
}

function readCopies(sqlite: Sqlite, copies: Map<string, Copy>): void {
  const copyOf = (thread_id: unknown): Copy => {
    const copy = copies.get(String(thread_id)) ?? { plan: null, receipts: [] };
    copies.set(String(thread_id), copy);
    return copy;
  };
  const plans = sqlite.prepare("SELECT thread_id, content FROM messages WHERE type = 'task_list' ORDER BY seq").all();
  for (const { thread_id, content } of plans) copyOf(thread_id).plan = readPlan(content);
  const receipts = sqlite.prepare("SELECT thread_id, receipt_id FROM receipts ORDER BY seq").all();
  for (const { thread_id, receipt_id } of receipts) copyOf(thread_id).receipts.push(String(receipt_id));
}

function readPlan(content: unknown): Plan {
  return JSON.parse(String(content)) as Plan;
}

function readProof(sqlite: Sqlite): StoredProof | null {
  const [row] = sqlite.prepare("SELECT invocation_id, status, run, lives, started_calls FROM runs").all();
  if (row === undefined) return null;
  const run = JSON.parse(String(row.run)) as { attempt: number; steps: number };
  const [plan] = sqlite.prepare("SELECT content, version FROM messages WHERE type = 'task_list'").all();
  const hasReceipts = sqlite.prepare("SELECT 1 FROM sqlite_master WHERE name = 'receipts'").get() !== undefined;
  const receipts = hasReceipts ? sqlite.prepare("SELECT content FROM receipts ORDER BY seq").all() : [];
  return {
    run: String(row.invocation_id),
    status: String(row.status),
    lives: (JSON.parse(String(row.lives)) as unknown[]).length,
    attempt: run.attempt,
    steps: run.steps,
    plan: {
      ...(plan === undefined ? { sections: [], tasks: [] } : readPlan(plan.content)),
      version: Number(plan?.version ?? 0),
    },
    receipts: receipts.map(({ content }) => JSON.parse(String(content)) as Receipt),
    place: findPlace(sqlite, String(row.status), String(row.started_calls)),
  };
}

function findPlace(sqlite: Sqlite, status: string, started: string): StoredProof["place"] {
  if (status !== "running") return status === "queued" ? "elsewhere" : "over";
  const [last] = sqlite
    .prepare("SELECT type, content FROM messages WHERE type IN ('assistant', 'tool') ORDER BY seq DESC LIMIT 1")
    .all();
  const { tool_calls = [] } = (last === undefined ? {} : JSON.parse(String(last.content))) as {
    tool_calls?: { id: string; function: { name: string } }[];
  };
  if (last?.type === "assistant" && tool_calls.length === 0) return "end";
  const begun = new Set((JSON.parse(started) as { id: string }[]).map(({ id }) => id));
  const calls = sqlite
    .prepare("SELECT content FROM messages WHERE type = 'assistant' ORDER BY seq DESC LIMIT 1")
    .all()
    .flatMap(({ content }) => (JSON.parse(String(content)) as { tool_calls?: typeof tool_calls }).tool_calls ?? []);
  return calls.some(({ id, function: { name } }) => name === "update_tasks" && begun.has(id)) ? "task" : "elsewhere";
}
