// Reads from a dead runtime's disk what runs have spent and reserved, and D1's budgets and leases.
import type { DatabaseSync } from "node:sqlite";
import { noUsage, type Usage } from "../../../src/protocol/run.ts";
import { type Memory, readDatabases } from "../stored.ts";

/** A run with those that resume it. */
export interface StoredRun {
  id: string;
  usage: Usage;
  reserved: { calls: number; tokens: number; micro: number };
  /** How often the runtime was killed under it; the campaign counts. */
  kills: number;
  /** Of the last of them: whether it ended as `crash_loop`, and since when it has stored no reply and no result. */
  last: { isLoop: boolean; lives: number[]; progress: number };
}

export interface StoredBudget {
  scope: string;
  id: string;
  period: string;
  tokens: number;
  micro: number;
  open_tokens: number;
  open_micro: number;
}

/** What counts of a budget's leases, of one thread. */
export interface LeasedThread {
  user_id: string;
  thread_id: string;
  scope: string;
  id: string;
  period: string;
  tokens: number;
  micro: number;
  open: number;
}

export interface Stored {
  runs: Map<string, StoredRun>;
  budgets: StoredBudget[];
  leases: LeasedThread[];
  /** Users whose accounts were emptied. */
  purged: Set<string>;
}

interface StoredReservation {
  input: number;
  output: number;
  cost: number | null;
}

/** The next call as far as it is known, and the calls under way. */
interface StoredSpending {
  plan?: StoredReservation;
  calls?: StoredReservation[];
}

/** Reads copies of the files: nobody may write meanwhile. */
export async function readStored(state: string, memory: Memory<StoredRun | null>): Promise<Stored> {
  const stored: Stored = { runs: new Map(), budgets: [], leases: [], purged: new Set() };
  for (const run of await readDatabases(state, "objects", readThread, memory)) {
    if (run !== null) stored.runs.set(run.id, run);
  }
  await readDatabases(state, "database", (sqlite) => {
    for (const row of sqlite.prepare("SELECT * FROM budgets").all()) {
      stored.budgets.push({
        ...{ scope: String(row.scope), id: String(row.id), period: String(row.period) },
        ...{ tokens: Number(row.tokens), micro: Number(row.cost) / 1000 },
        ...{ open_tokens: Number(row.open_tokens), open_micro: Number(row.open_cost) / 1000 },
      });
    }
    for (const { user_id } of sqlite.prepare("SELECT user_id FROM users WHERE purged_at IS NOT NULL").all()) {
      stored.purged.add(String(user_id));
    }
    for (const row of sqlite.prepare(SUM_LEASES).all()) {
      stored.leases.push({
        user_id: String(row.user_id),
        ...{ thread_id: String(row.thread_id), open: Number(row.open) },
        ...{ scope: String(row.scope), id: String(row.id), period: String(row.period) },
        ...{ tokens: Number(row.tokens), micro: Number(row.cost) / 1000 },
      });
    }
  });
  return stored;
}

const SUM_LEASES = `
SELECT user_id, thread_id, scope, id, period, sum(tokens) AS tokens, sum(cost) AS cost, sum(closed_at IS NULL) AS open
FROM leases GROUP BY user_id, thread_id, scope, id, period`;

function readThread(sqlite: DatabaseSync): StoredRun | null {
  const rows = sqlite.prepare("SELECT invocation_id, run, spending, lives FROM runs ORDER BY position").all();
  const [first] = rows;
  if (first === undefined) return null;
  const sum = { calls: 0, tokens: 0, micro: 0 };
  let usage: Usage = { ...noUsage };
  for (const row of rows) {
    const run = JSON.parse(String(row.run)) as { usage: Usage };
    usage = addUsage(usage, run.usage);
    const { plan, calls = [] } = JSON.parse(String(row.spending ?? "{}")) as StoredSpending;
    for (const { input, output, cost } of plan === undefined ? calls : [...calls, plan]) {
      sum.calls += 1;
      sum.tokens += input + output;
      sum.micro += (cost ?? 0) / 1000;
    }
  }
  const last = rows.at(-1) ?? first;
  const { error } = JSON.parse(String(last.run)) as { error: { code: string } | null };
  const [message] = sqlite
    .prepare("SELECT max(created_at) AS at FROM messages WHERE invocation_id = ? AND type IN ('assistant', 'tool')")
    .all(String(last.invocation_id));
  return {
    id: String(first.invocation_id),
    usage,
    reserved: sum,
    kills: 0,
    last: {
      isLoop: error?.code === "crash_loop",
      lives: JSON.parse(String(last.lives)) as number[],
      progress: message?.at == null ? 0 : Date.parse(String(message.at)),
    },
  };
}

function addUsage(one: Usage, other: Usage): Usage {
  const cost_usd =
    one.cost_usd === null && other.cost_usd === null ? null : (one.cost_usd ?? 0) + (other.cost_usd ?? 0);
  const estimated = [one.estimated, other.estimated].filter((each) => each !== undefined);
  return {
    input_tokens: one.input_tokens + other.input_tokens,
    cached_input_tokens: one.cached_input_tokens + other.cached_input_tokens,
    output_tokens: one.output_tokens + other.output_tokens,
    cost_usd,
    ...(estimated.length === 0
      ? {}
      : {
          estimated: estimated.reduce((sum, each) => ({
            calls: sum.calls + each.calls,
            input_tokens: sum.input_tokens + each.input_tokens,
            output_tokens: sum.output_tokens + each.output_tokens,
            cost_usd: (sum.cost_usd ?? 0) + (each.cost_usd ?? 0),
          })),
        }),
  };
}
