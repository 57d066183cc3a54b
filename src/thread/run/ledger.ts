// The thread's ledger. It is computed from the rows on each read: once or twice a run, and when people look at it.
import { foldLedger, type LedgerRow, type Span } from "../../agent/plan/ledger.ts";
import type { Ledger } from "../../protocol/plan/ledger.ts";
import { readMetadata } from "../../store/shapes/message.ts";
import type { Life } from "../life.ts";
import { readText, type Sql } from "../rows/database.ts";
import { readRunSpans } from "../rows/runs.ts";
import { readTimes } from "./plan-tracking.ts";

// Rows hold reasoning and details, so some are long: they are never all in memory at once.
const ROWS_PER_READ = 50;

export function readLedger(life: Life): Ledger {
  const { sql } = life.database;
  const now = life.ports.clock.now();
  const ledger = foldLedger({ rows: readRows(sql), times: readTimes(sql), spans: readSpans(sql, now), now });
  // A thread may have had any number of plans; nobody needs the tasks of former ones.
  return Object.fromEntries(
    life.state.plan.tasks.flatMap(({ id }) => (ledger[id] === undefined ? [] : [[id, ledger[id]]])),
  );
}

type Row = { seq: number; type: LedgerRow["type"]; metadata: string | null; created_at: string };

function* readRows(sql: Sql): Generator<LedgerRow> {
  for (let after = 0; ; ) {
    const rows = sql
      .exec<Row>(
        "SELECT seq, type, metadata, created_at FROM messages WHERE seq > ? AND type IN ('assistant', 'tool') ORDER BY seq LIMIT ?",
        after,
        ROWS_PER_READ,
      )
      .toArray();
    for (const { seq, type, metadata, created_at } of rows) {
      yield { type, created_at, metadata: readMetadata(readText(sql, `d:${seq}`, metadata), seq) };
      after = seq;
    }
    if (rows.length < ROWS_PER_READ) return;
  }
}

function readSpans(sql: Sql, now: number): Span[] {
  return readRunSpans(sql).map(([from, to]) => ({ from: Date.parse(from), to: to === null ? now : Date.parse(to) }));
}
