// Reads from a dead runtime's disk what runs have spent and reserved, and D1's budgets and leases.
import type { Usage } from "../../../src/protocol/run.ts";
import { readDatabases } from "../stored.ts";

export interface StoredRun {
  id: string;
  status: string;
  usage: Usage;
  reserved: { calls: number; tokens: number; micro: number };
  /** How often the runtime was killed under it; the campaign counts. */
  kills: number;
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

export interface Stored {
  runs: Map<string, StoredRun>;
  budgets: StoredBudget[];
  openLeases: string[];
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

/** Reads copies of all files: nobody may write meanwhile. */
export async function readStored(state: string): Promise<Stored> {
  const stored: Stored = { runs: new Map(), budgets: [], openLeases: [] };
  await readDatabases(state, "objects", (sqlite) => {
    for (const row of sqlite.prepare("SELECT invocation_id, status, run, spending FROM runs").all()) {
      const { usage } = JSON.parse(String(row.run)) as { usage: Usage };
      const { plan, calls = [] } = JSON.parse(String(row.spending ?? "{}")) as StoredSpending;
      const reserved = plan === undefined ? calls : [...calls, plan];
      const sum = { calls: reserved.length, tokens: 0, micro: 0 };
      for (const { input, output, cost } of reserved) {
        sum.tokens += input + output;
        sum.micro += (cost ?? 0) / 1000;
      }
      const id = String(row.invocation_id);
      stored.runs.set(id, { id, status: String(row.status), usage, reserved: sum, kills: 0 });
    }
  });
  await readDatabases(state, "database", (sqlite) => {
    for (const row of sqlite.prepare("SELECT * FROM budgets").all()) {
      stored.budgets.push({
        ...{ scope: String(row.scope), id: String(row.id), period: String(row.period) },
        ...{ tokens: Number(row.tokens), micro: Number(row.cost) / 1000 },
        ...{ open_tokens: Number(row.open_tokens), open_micro: Number(row.open_cost) / 1000 },
      });
    }
    const open = sqlite.prepare("SELECT lease_id, scope, period FROM leases WHERE closed_at IS NULL").all();
    stored.openLeases = open.map(({ lease_id, scope, period }) => `${lease_id} ${scope} ${period}`);
  });
  return stored;
}
