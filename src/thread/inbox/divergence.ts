// What a client's whole history (AG-UI) takes back. A client that asks again or edits sends no other request for that: its
// history ends earlier, or goes on differently, than the thread. A history that only lacks messages is no such sign: the
// client may send a part of the conversation, or may not know what came by another way. `docs/protocol.md` has the table.
import { fail, type Result, succeed } from "../../protocol/error.ts";
import { isEmptyContent, type UserContent } from "../../protocol/message.ts";
import { isTerminal } from "../../protocol/run.ts";
import type { HistoryEntry, RunInput, Superseding } from "../../protocol/thread.ts";
import { SUPERSEDED } from "../../store/shapes/superseded.ts";
import type { Life } from "../life.ts";
import type { Sql } from "../rows/database.ts";
import { findMessages, readSaid } from "../rows/messages.ts";
import { findRow } from "../supersede/turn.ts";
import { readWaiting } from "./steering.ts";

/** `cut`: the input with only what is new of its history. Null if it takes nothing back. */
export function readDivergence(life: Life, given: RunInput, cut: RunInput): Result<RunInput | null> {
  const history = (given.history ?? []).filter(({ role }) => spoken.has(role));
  if (cut.resume !== null || cut.tool_results.length > 0) return succeed(null);
  if (cut.messages.length === 0) return readAskedAgain(life, given, history);
  const from = findReplaced(life, given, cut, history);
  if (from === null) return succeed(null);
  // A run that replaces ends all that wait, and what they say is in no row yet.
  if (hasWaiting(life)) return othersWait;
  return succeed(replacing(life, { ...cut, supersede: { message_id: from, replaces: true } }));
}

const othersWait = fail("busy", "Other messages wait on this thread.");

/** Clients may end a history with instructions of their own. */
const spoken = new Set(["user", "assistant", "tool"]);

/** A run at work on what is taken back ends, as its client thinks it has. */
function replacing(life: Life, input: RunInput): RunInput {
  const isBusy = [...life.live.values()].some(({ run }) => !isTerminal(run.status));
  return isBusy ? { ...input, on_busy: "replace" } : input;
}

/** A history with nothing new that ends at a person's message. */
function readAskedAgain(life: Life, given: RunInput, history: HistoryEntry[]): Result<RunInput | null> {
  const { sql } = life.database;
  const last = history.at(-1);
  const row = last?.role === "user" ? findRow(sql, last.message_id) : null;
  if (last === undefined || row?.type !== "user") return succeed(null);
  // In another order than the thread's, it says nothing of what its client has taken back.
  if (hasUserAfter(sql, row.seq, history)) return succeed(null);
  if (given.is_whole_history !== true && !readUsersAfter(sql, row.seq).are_shown) {
    return fail("version_conflict", "The thread has later messages that came in another way than this history.");
  }
  if (hasWaiting(life)) return othersWait;
  const said = given.messages.findLast(({ message_id }) => message_id === last.message_id);
  const isEdited = said !== undefined && !isSaid(sql, row.seq, said.content);
  const supersede: Superseding = { message_id: last.message_id, replaces: isEdited };
  const { history: _, is_whole_history: __, ...input } = given;
  const messages = isEdited ? [said] : [];
  return succeed(replacing(life, { ...input, messages, tool_results: [], supersede }));
}

/** The first message of a person that the new ones replace. Null if they are added to what is there. */
function findReplaced(life: Life, given: RunInput, cut: RunInput, history: HistoryEntry[]): string | null {
  const { sql } = life.database;
  // Nearly every history has it, and then nothing is missing.
  const newest = readNewestUser(sql);
  if (newest === null || history.some(({ message_id }) => message_id === newest)) return null;
  const first = history.findIndex(({ message_id }) => message_id === cut.messages[0]?.message_id);
  const before = history.slice(0, Math.max(0, first)).map(({ message_id }) => message_id);
  const place = findLast(sql, before);
  const isWhole = given.is_whole_history === true;
  if (place === null && !isWhole) return null;
  const missing = readUsersAfter(sql, place ?? 0);
  if (isWhole) return missing.first;
  if (place === null || hasWaiting(life) || !missing.are_shown) return null;
  return isUnbroken(sql, before, place) ? missing.first : null;
}

/** Of most histories the last known one is among them. */
const FIRST_LOOK = 50;

/** The `seq` of the last of these that there is. */
function findLast(sql: Sql, ids: string[]): number | null {
  for (const asked of [ids.slice(-FIRST_LOOK), ids.slice(0, -FIRST_LOOK)]) {
    const known = findMessages(sql, asked);
    const last = asked.findLast((id) => known.has(id));
    if (last !== undefined) return known.get(last) ?? null;
  }
  return null;
}

/** Whether a history has each message of a person from its first one on, and none that is superseded. */
function isUnbroken(sql: Sql, ids: string[], through: number): boolean {
  const [row] = sql
    .exec<{ unbroken: number }>(
      `WITH known AS MATERIALIZED (
         SELECT seq, type FROM messages WHERE message_id IN (SELECT value FROM json_each(?1)))
       SELECT count(*) FILTER (WHERE type = '${SUPERSEDED}') = 0
         AND count(*) FILTER (WHERE type = 'user' AND seq <= ?2) =
           (SELECT count(*) FROM messages
            WHERE type = 'user' AND seq BETWEEN (SELECT min(seq) FROM known) AND ?2) AS unbroken
       FROM known`,
      JSON.stringify(ids),
      through,
    )
    .toArray();
  return row?.unbroken === 1;
}

interface LaterUsers {
  /** The id of the first. */
  first: string | null;
  /** Whether all came in such histories: then clients of this protocol were shown them, and what followed. */
  are_shown: boolean;
}

/** What people said after a row. A thread may have thousands, so none is read but the first. */
function readUsersAfter(sql: Sql, seq: number): LaterUsers {
  const later = "FROM messages WHERE seq > ?1 AND type = 'user'";
  const [row] = sql
    .exec<{ first: string | null; others: number }>(
      `SELECT (SELECT message_id ${later} ORDER BY seq LIMIT 1) AS first,
       EXISTS (SELECT 1 ${later} AND coalesce(instr(metadata, '"client_history":true'), 0) = 0) AS others`,
      seq,
    )
    .toArray();
  return { first: row?.first ?? null, are_shown: row?.others === 0 };
}

/** Whether a history has something that a person said after this row. */
function hasUserAfter(sql: Sql, seq: number, history: HistoryEntry[]): boolean {
  const ids = JSON.stringify(history.map(({ message_id }) => message_id));
  const found = `SELECT 1 FROM messages WHERE seq > ? AND type = 'user'
    AND message_id IN (SELECT value FROM json_each(?)) LIMIT 1`;
  return sql.exec(found, seq, ids).toArray().length > 0;
}

function readNewestUser(sql: Sql): string | null {
  const newest = "SELECT message_id FROM messages WHERE type = 'user' ORDER BY seq DESC LIMIT 1";
  return sql.exec<{ message_id: string }>(newest).toArray()[0]?.message_id ?? null;
}

/** Whether messages wait that are no rows yet, beside those of a run at work. */
function hasWaiting(life: Life): boolean {
  const isQueued = [...life.live.values()].some(({ run }) => run.status === "queued");
  return isQueued || readWaiting(life).length > 0;
}

/** Whether the message is what the row has. Clients send white space and single parts in forms of their own. */
function isSaid(sql: Sql, seq: number, content: UserContent): boolean {
  if (isEmptyContent(content)) return true;
  const stored = readSaid(sql, seq);
  return stored === null || plain(stored) === plain(content);
}

function plain(content: UserContent): string {
  const parts = typeof content === "string" ? [{ type: "text" as const, text: content }] : content;
  const texts = parts.flatMap((part) => (part.type === "text" ? [part.text] : []));
  const images = parts.flatMap((part) => (part.type === "text" ? [] : [part.image_url.url]));
  return JSON.stringify([texts.join(" ").normalize("NFC").replace(/\s+/g, " ").trim(), images]);
}
