// Messages that a person adds to the active run (`on_busy: "steer"`). They are stored when they arrive and taken at the
// run's next step. If the run ends without taking them, they become runs of their own.
import type { SteeredMessage } from "../../agent/events.ts";
import { chainOf, takeLonger } from "../../protocol/chain.ts";
import { textOf } from "../../protocol/message.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { readStored } from "../../store/shapes/stored.ts";
import { isoTime, type Life, storeRun, transact } from "../life.ts";
import { noteOwn } from "../memory/kept-history.ts";
import { readText, type Sql, writeText } from "../rows/database.ts";
import { insertMessage } from "../rows/messages.ts";
import type { RunRecord } from "../rows/runs.ts";
import { toRunInput } from "../rows/shapes/run-input.ts";
import { hasTable } from "../rows/tables.ts";
import { steeredMessage } from "../stream/events.ts";

type Row = {
  invocation_id: string;
  position: number;
  run_id: string;
  hash: string;
  messages: string | null;
  created_at: string;
};

export interface Steered {
  input: RunInput;
  hash: string;
  created_at: string;
}

export function hasSteered(sql: Sql): boolean {
  if (!hasTable(sql, "steered")) return false;
  return sql.exec<{ position: number }>("SELECT position FROM steered LIMIT 1").toArray().length > 0;
}

/** Inside a transaction. */
export function addSteered(life: Life, input: RunInput, hash: string, run_id: string): void {
  const { sql } = life.database;
  life.hasSteered = true;
  const last = sql.exec<{ position: number | null }>("SELECT max(position) AS position FROM steered").toArray()[0];
  sql.exec(
    "INSERT INTO steered (invocation_id, position, run_id, hash, messages, created_at) VALUES (?, ?, ?, ?, ?, ?)",
    input.invocation_id,
    (last?.position ?? 0) + 1,
    run_id,
    hash,
    writeText(sql, `s:${input.invocation_id}`, JSON.stringify(input)),
    isoTime(life),
  );
}

/** The run that a steering request went to. Rows stay after their messages are taken, so a repeat is recognized. */
export function findSteered(life: Life, invocation_id: string): { run_id: string; hash: string } | null {
  if (!life.hasSteered) return null;
  return (
    life.database.sql
      .exec<{ run_id: string; hash: string }>("SELECT run_id, hash FROM steered WHERE invocation_id = ?", invocation_id)
      .toArray()[0] ?? null
  );
}

/** Stores the messages since the last call as rows and events, and returns them for the loop. */
export function takeSteered(life: Life, record: RunRecord): SteeredMessage[] {
  const waiting = readWaiting(life);
  if (waiting.length === 0) return [];
  return transact(life, () => {
    // What the run does from here on may be for the message. Without this, a loop of webhooks could pass through it.
    const isLonger = waiting.filter(({ input }) => takeLonger(record.run, chainOf(input.chain))).length > 0;
    const isOther = takeKey(record, waiting);
    if (isLonger || isOther) storeRun(life, record, { input: isOther });
    life.outbox.markMessages();
    return waiting.flatMap(({ input }) => {
      markTaken(life, input.invocation_id);
      return input.messages.map(({ message_id, content }) => {
        const message: SteeredMessage = { role: "user", content };
        insertMessage(life.database.sql, {
          message_id,
          invocation_id: record.run.invocation_id,
          agent_id: null,
          type: "user",
          is_llm_message: true,
          content: message,
          created_at: isoTime(life),
        });
        noteOwn(life);
        life.journal.addFact(record.run.invocation_id, ...steeredMessage(message_id, textOf(content)));
        return message;
      });
    });
  });
}

/** What the run does from here on, it does for whoever wrote last. Returns whether that is another key. */
function takeKey(record: RunRecord, waiting: Steered[]): boolean {
  const key_id = waiting.at(-1)?.input.key_id;
  if (key_id === undefined || record.input === null || record.input.key_id === key_id) return false;
  record.input = { ...record.input, key_id };
  return true;
}

/** Removes and returns what the run ended without taking; the caller makes runs of it. Inside a transaction. */
export function dropSteered(life: Life): Steered[] {
  const waiting = readWaiting(life);
  for (const { input } of waiting) {
    const { invocation_id } = input;
    life.database.sql.exec("DELETE FROM steered WHERE invocation_id = ?", invocation_id);
    life.database.sql.exec("DELETE FROM overflow WHERE owner = ?", `s:${invocation_id}`);
  }
  return waiting;
}

/** What is not taken yet. All of it is for the active run: the end of a run leaves nothing waiting. */
export function readWaiting(life: Life): Steered[] {
  if (!life.hasSteered) return [];
  const { sql } = life.database;
  return sql
    .exec<Row>("SELECT * FROM steered WHERE messages IS NOT 'null' ORDER BY position")
    .toArray()
    .flatMap(({ invocation_id: id, messages, hash, created_at }) => {
      const input = readStored(toRunInput, readText(sql, `s:${id}`, messages), "steering input", id);
      return input ? [{ input, hash, created_at }] : [];
    });
}

/** Replaces what is not taken yet; without messages it waits no more. Inside a transaction. */
export function changeSteered(life: Life, input: RunInput): void {
  const { sql } = life.database;
  const { invocation_id: id } = input;
  if (input.messages.length === 0) markTaken(life, id);
  else {
    const text = writeText(sql, `s:${id}`, JSON.stringify(input));
    sql.exec("UPDATE steered SET messages = ? WHERE invocation_id = ?", text, id);
  }
}

function markTaken(life: Life, invocation_id: string): void {
  life.database.sql.exec("UPDATE steered SET messages = 'null' WHERE invocation_id = ?", invocation_id);
  life.database.sql.exec("DELETE FROM overflow WHERE owner = ?", `s:${invocation_id}`);
}
