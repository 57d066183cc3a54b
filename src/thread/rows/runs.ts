// The thread's runs in the object's SQLite: the run that the API shows, and the fields that only the object needs.
import { isTerminal, type Run, type RunStatus } from "../../protocol/run.ts";
import type { PinnedAgent, RunInput } from "../../protocol/thread.ts";
import { toRun } from "../../store/shapes/run.ts";
import { readStored, UnreadableRow } from "../../store/shapes/stored.ts";
import { accountOf, type SpendingRecord } from "../usage/record.ts";
import { noSpending, toSpending, writeSpending } from "../usage/state.ts";
import { readText, type Sql, writeText } from "./database.ts";
import { toRunInput } from "./shapes/run-input.ts";
import {
  type RequestedEnd,
  type StartedCall,
  toLives,
  toPinnedAgent,
  toRequestedEnd,
  toStartedCalls,
} from "./shapes/run-record.ts";

export interface RunRecord extends SpendingRecord {
  /** Position in the inbox: the order in which runs start. */
  position: number;
  /** Whether readers may see its end: its rows are in D1, or waiting for D1 took too long. */
  released: boolean;
  /** False for a background run whose job has not come yet. */
  startable: boolean;
  hash: string;
  /** Null once the run is over. Without messages once those are rows. */
  input: RunInput | null;
  agent: PinnedAgent;
  /** Numbers of its RUN_STARTED and of its terminal event. */
  start_seq: number | null;
  end_seq: number | null;
  /** When lives resumed it without progress since, in ms. */
  lives: number[];
  /** Tool calls that have started and have no result. */
  started_calls: StartedCall[];
  /**
   * How the run is to end. Stored before it is carried out, so that a cancel survives a life that ends in the middle of
   * it.
   */
  requested_end: RequestedEnd | null;
  version: number;
}

type Row = {
  invocation_id: string;
  position: number;
  status: RunStatus;
  released: number;
  startable: number;
  hash: string;
  run: string | null;
  input: string | null;
  agent: string;
  start_seq: number | null;
  end_seq: number | null;
  lives: string;
  started_calls: string;
  requested_end: string | null;
  version: number;
  spending: string | null;
};

/** `changed` is the newest number of the journal. The outbox finds by it which runs D1 may not have. */
export function insertRun(sql: Sql, record: RunRecord, changed: number): void {
  sql.exec(
    `INSERT INTO runs (invocation_id, position, status, released, startable, hash, run, input, agent, start_seq, end_seq, lives, started_calls, requested_end, version, changed, spending)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    record.run.invocation_id,
    record.position,
    record.run.status,
    record.released ? 1 : 0,
    record.startable ? 1 : 0,
    record.hash,
    writeText(sql, `r:${record.run.invocation_id}`, JSON.stringify(record.run)),
    writeInput(sql, record),
    JSON.stringify(record.agent),
    record.start_seq,
    record.end_seq,
    JSON.stringify(record.lives),
    JSON.stringify(record.started_calls),
    writeRequestedEnd(record),
    record.version,
    changed,
    writeSpending(record.spending),
  );
  noteStored(record);
}

/**
 * Stores a changed record under its next version. The input is written only if it changed, in the same statement. A run
 * that is over counts as released from here on, except for its life and for lives that find its end above the number in
 * the position (`readWakingRuns`): that number is stored anyway, and so saves a row.
 */
export function saveRun(sql: Sql, record: RunRecord, changed: number, change: { input?: boolean } = {}): void {
  const { input = false } = change;
  record.version += 1;
  sql.exec(
    `UPDATE runs SET ${input ? "input = ?, " : ""}status = ?, released = ?, startable = ?, run = ?, start_seq = ?, end_seq = ?,
       lives = ?, started_calls = ?, requested_end = ?, version = ?, changed = ?, spending = ? WHERE invocation_id = ?`,
    ...(input ? [writeInput(sql, record)] : []),
    record.run.status,
    isTerminal(record.run.status) ? 1 : 0,
    record.startable ? 1 : 0,
    writeText(sql, `r:${record.run.invocation_id}`, JSON.stringify(record.run)),
    record.start_seq,
    record.end_seq,
    JSON.stringify(record.lives),
    JSON.stringify(record.started_calls),
    writeRequestedEnd(record),
    record.version,
    changed,
    writeSpending(record.spending),
    record.run.invocation_id,
  );
  noteStored(record);
}

/** Inside the transaction: if it fails, the life ends. */
function noteStored(record: RunRecord): void {
  record.stored = accountOf(record);
}

function writeRequestedEnd({ requested_end }: RunRecord): string | null {
  return requested_end === null ? null : JSON.stringify(requested_end);
}

/** Reads a run that readers have not seen end, whatever its row says. Null if it can't be read. */
export function readUnreleasedRun(sql: Sql, invocation_id: string): RunRecord | null {
  const record = readRun(sql, invocation_id);
  if (record !== null) record.released = false;
  return record;
}

/**
 * Lets readers see the run's end from now on. Only what D1 knows of leases by then is forgotten in the row. The version
 * stays, since no column in D1 changes.
 */
export function markReleased(sql: Sql, record: RunRecord): void {
  record.released = true;
  if (record.stored.spending === record.spending) return;
  const { invocation_id } = record.run;
  sql.exec("UPDATE runs SET spending = ? WHERE invocation_id = ?", writeSpending(record.spending), invocation_id);
  noteStored(record);
}

/** Removes messages and results from the input once they are rows. Later lives need the rest. */
export function trimInput(record: RunRecord): void {
  if (record.input === null) return;
  const { supersede: _, ...input } = record.input;
  record.input = { ...input, messages: [], tool_results: [] };
}

/** Records whose stored input is in `overflow`. Few are, so the others need no statement that removes it. */
const longInputs = new WeakSet<RunRecord>();

function writeInput(sql: Sql, record: RunRecord): string | null {
  const owner = `i:${record.run.invocation_id}`;
  if (longInputs.delete(record)) sql.exec("DELETE FROM overflow WHERE owner = ?", owner);
  const text = writeText(sql, owner, JSON.stringify(record.input));
  if (text === null) longInputs.add(record);
  return text;
}

export function readRun(sql: Sql, invocation_id: string): RunRecord | null {
  const run = readTakenRun(sql, invocation_id);
  return run === "damaged" ? null : run;
}

/** Null if the id is free. `damaged`: it is taken by a run that can't be read. */
export function readTakenRun(sql: Sql, invocation_id: string): RunRecord | "damaged" | null {
  const row = sql.exec<Row>("SELECT * FROM runs WHERE invocation_id = ?", invocation_id).toArray()[0];
  return row === undefined ? null : (toRecord(sql, row) ?? "damaged");
}

/** Runs that have had leases, which D1 may not know to be given back. Reads every run. */
export function readLeasedIds(sql: Sql): string[] {
  return sql
    .exec<{ invocation_id: string }>(
      "SELECT invocation_id FROM runs WHERE instr(spending, '\"lease_id\"') > 0 OR NOT json_valid(spending)",
    )
    .toArray()
    .map(({ invocation_id }) => invocation_id);
}

/** Runs before a position, the last of the inbox first. Scans every run of the thread. */
export function listRunsBefore(
  sql: Sql,
  position: number,
  limit: number,
): { invocation_id: string; position: number }[] {
  return sql
    .exec<{ invocation_id: string; position: number }>(
      "SELECT invocation_id, position FROM runs WHERE position < ? ORDER BY position DESC LIMIT ?",
      position,
      limit,
    )
    .toArray();
}

/** When each started run of the thread started and ended. Reads every run. */
export function readRunSpans(sql: Sql): [started_at: string, finished_at: string | null][] {
  return sql
    .exec<{ invocation_id: string; run: string | null }>(
      "SELECT invocation_id, run FROM runs WHERE start_seq IS NOT NULL ORDER BY position",
    )
    .toArray()
    .flatMap((row) => {
      const { started_at = null, finished_at = null } = readOwnRun(sql, row) ?? {};
      return started_at === null ? [] : [[started_at, finished_at]];
    });
}

/** The newest started run before a position in the inbox. Scans every run of the thread. */
export function readRunBefore(sql: Sql, position: number): RunRecord | null {
  const row = sql
    .exec<Row>(
      "SELECT * FROM runs WHERE position < ? AND start_seq IS NOT NULL ORDER BY position DESC LIMIT 1",
      position,
    )
    .toArray()[0];
  return row ? toRecord(sql, row) : null;
}

/**
 * The agent that the thread's newest run with it pinned. Throws if it can't be read: it is needed for its approvals, so
 * no default may replace it. Scans every run of the thread.
 */
export function readLastAgent(sql: Sql, agent_id: string): PinnedAgent | null {
  const row = sql
    .exec<{ agent: string }>(
      "SELECT agent FROM runs WHERE agent ->> 'agent_id' = ? ORDER BY position DESC LIMIT 1",
      agent_id,
    )
    .toArray()[0];
  if (row === undefined) return null;
  const agent = readStored(toPinnedAgent, row.agent, "pinned agent", agent_id);
  if (agent === undefined) throw new UnreadableRow(`the pinned agent ${agent_id} can't be read`);
  return agent;
}

/**
 * Null if a part of the row can't be read, as if there were no such run. A run that continued without that part would
 * make calls twice, or without approval. The sweeper ends it in D1, and the thread goes on.
 */
function toRecord(sql: Sql, row: Row): RunRecord | null {
  const { invocation_id: id } = row;
  const input = readStored(toRunInput, readText(sql, `i:${id}`, row.input), "input of a run", id);
  const run = readOwnRun(sql, row);
  const agent = readStored(toPinnedAgent, row.agent, "pinned agent", id);
  const lives = readStored(toLives, row.lives, "lives of a run", id);
  const started_calls = readStored(toStartedCalls, row.started_calls, "calls of a run", id);
  const requested_end = readStored(toRequestedEnd, row.requested_end ?? "null", "end of a run", id);
  const spending = readStored(toSpending, row.spending ?? "null", "spending of a run", id) ?? noSpending;
  if (input === undefined || run === undefined || agent === undefined) return null;
  if (lives === undefined || started_calls === undefined || requested_end === undefined) return null;
  const record: RunRecord = {
    run: { ...run, status: row.status },
    spending,
    stored: { usage: run.usage, spending },
    position: row.position,
    released: row.released === 1,
    startable: row.startable === 1,
    hash: row.hash,
    input,
    agent,
    start_seq: row.start_seq,
    end_seq: row.end_seq,
    lives,
    started_calls,
    requested_end,
    version: row.version,
  };
  if (row.input === null) longInputs.add(record);
  return record;
}

function readOwnRun(sql: Sql, row: Pick<Row, "invocation_id" | "run">): Run | undefined {
  const { invocation_id: id } = row;
  return readStored(toRun, readText(sql, `r:${id}`, row.run), "run", id);
}
