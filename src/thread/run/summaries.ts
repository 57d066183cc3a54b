// What a model reads of the thread: the newest summary, and every row after those that it summarizes.

import { chooseOpening } from "../../agent/context/preamble.ts";
import type { Summary } from "../../agent/context/summary.ts";
import type { LoopFact } from "../../agent/events.ts";
import type { ModelMessage, ReplyExtras } from "../../agent/model.ts";
import { isRecord } from "../../lib/is-record.ts";
import type { ToolMessage } from "../../protocol/message.ts";
import { toChatMessage, toUserMessage, UNREADABLE } from "../../store/shapes/message.ts";
import { isList, isNumber, isText, readStored, shapeOf } from "../../store/shapes/stored.ts";
import type { Life } from "../life.ts";
import type { TokenScale } from "../memory/thread-memory.ts";
import { readMeta, readText, type Sql, type SqlValue, writeMeta } from "../rows/database.ts";
import type { Note } from "../rows/environment-notes.ts";
import { insertMessage, type NewMessage } from "../rows/messages.ts";
import { dropExtras, readExtras } from "./reply-extras.ts";

export interface History {
  summary: Summary | null;
  /** LLM rows in order, without summaries. */
  history: ModelMessage[];
  /** What stood in front of messages before `history`, and still holds. */
  opening: string[];
  /** Offsets in results at which a person's words begin, by call id. */
  answers: Map<string, number>;
}

/** What is stored beside a summary's message. `keep_from`: the first row that the summary does not cover. */
type SummaryMetadata = Omit<Summary, "message"> & { keep_from: number };

/** `notes` stand in front of messages. Rows before `keep_from` are not read, so a life that wakes on a long thread reads no more than a model does. */
export function readHistory(sql: Sql, notes: readonly Note[] = []): History {
  const newest = readNewest(sql);
  const from = newest?.keep_from ?? 0;
  const preambles = new Map(notes.map(({ seq, text }) => [seq, text]));
  const lostResults: number[] = [];
  // As few columns as possible: a thread may have ten thousand rows.
  const rows = sql
    .exec<{ seq: number; content: string | null }>(
      "SELECT seq, content FROM messages WHERE seq >= ? AND is_llm_message = 1 AND type <> 'summary' ORDER BY seq",
      from,
    )
    .toArray();
  const messages: (ModelMessage | undefined)[] = rows.map(({ seq, content }, place) => {
    const message = readStored(toChatMessage, content ?? readText(sql, `m:${seq}`, content), "message", seq);
    if (message === undefined && isResult(sql, seq)) lostResults.push(place);
    const preamble = message?.role === "user" ? preambles.get(seq) : undefined;
    return message?.role === "user" && preamble !== undefined ? { ...message, preamble } : message;
  });
  const has = (role: ModelMessage["role"]) => messages.some((message) => message?.role === role);
  const extras = has("assistant") ? readExtras(sql, from) : new Map<number, ReplyExtras>();
  const saidAt = has("tool") ? readSaidAt(sql, from) : new Map<number, number>();
  const answers = new Map<string, number>();
  if (extras.size + saidAt.size > 0) {
    for (const [place, { seq }] of rows.entries()) {
      const message = messages[place];
      const [own, said_at] = [extras.get(seq), saidAt.get(seq)];
      if (message?.role === "assistant" && own !== undefined) messages[place] = { ...message, extras: own };
      if (message?.role === "tool" && said_at !== undefined) answers.set(message.tool_call_id, said_at);
    }
  }
  for (const place of lostResults) messages[place] = standInResult(messages, place);
  // Every other unreadable row is left out.
  const history = messages.filter((message) => message !== undefined);
  const opening = chooseOpening(notes.filter(({ seq }) => seq < from).map(({ text }) => text));
  return { summary: newest?.summary ?? null, opening, history, answers };
}

/** By row of a result: where in it a person's words begin. */
function readSaidAt(sql: Sql, from: number): Map<number, number> {
  const rows = sql
    .exec<{ seq: number; said_at: SqlValue }>(
      `SELECT seq, metadata ->> 'said_at' AS said_at FROM messages
       WHERE seq >= ? AND type = 'tool' AND instr(metadata, '"said_at"') > 0 AND json_valid(metadata)`,
      from,
    )
    .toArray();
  return new Map(rows.flatMap(({ seq, said_at }) => (isNumber(said_at) ? [[seq, said_at]] : [])));
}

function isResult(sql: Sql, seq: number): boolean {
  return sql.exec("SELECT 1 AS one FROM messages WHERE seq = ? AND type = 'tool'", seq).toArray().length > 0;
}

/**
 * Stands in for a result that can't be read. Its call is no longer known, so the result is given to the first call of the
 * reply that has none: a call without a result would be made again.
 */
function standInResult(messages: (ModelMessage | undefined)[], place: number): ToolMessage | undefined {
  const asked = messages.slice(0, place).findLastIndex((message) => message?.role === "assistant");
  const reply = messages[asked];
  if (reply?.role !== "assistant") return undefined;
  const end = messages.findIndex((message, at) => at > asked && message?.role === "assistant");
  const behind = messages.slice(asked + 1, end < 0 ? undefined : end);
  const answered = new Set(behind.map((message) => (message?.role === "tool" ? message.tool_call_id : null)));
  const call = reply.tool_calls?.find(({ id }) => !answered.has(id));
  return call && { role: "tool", tool_call_id: call.id, content: UNREADABLE };
}

/**
 * Stores a summary of the first `replaced` rows of the current history, and returns the first row that it does not
 * cover. Inside a transaction.
 */
export function storeSummary(
  sql: Sql,
  { message_id, summary, replaced }: Extract<LoopFact, { type: "context_compacted" }>,
  row: Pick<NewMessage, "invocation_id" | "agent_id" | "created_at">,
): number {
  const { message, ...rest } = summary;
  const keep_from = findPlace(sql, replaced);
  const metadata: SummaryMetadata = { ...rest, keep_from };
  insertMessage(sql, { ...row, message_id, type: "summary", is_llm_message: true, content: message, metadata });
  dropExtras(sql, keep_from);
  return keep_from;
}

/** Counts from the front, so a row that the loop does not know of is kept and not lost. */
function findPlace(sql: Sql, replaced: number): number {
  const [row] = sql
    .exec<{ seq: number }>(
      `SELECT seq FROM messages WHERE seq >= ? AND is_llm_message = 1 AND type <> 'summary'
       ORDER BY seq LIMIT 1 OFFSET ?`,
      readNewest(sql)?.keep_from ?? 0,
      replaced,
    )
    .toArray();
  if (row === undefined) throw new Error("a summary must leave the newest step as it is");
  return row.seq;
}

function readNewest(sql: Sql): { summary: Summary; keep_from: number } | null {
  const [row] = sql
    .exec<{ seq: number; content: string | null; metadata: string | null }>(
      "SELECT seq, content, metadata FROM messages WHERE type = 'summary' ORDER BY seq DESC LIMIT 1",
    )
    .toArray();
  if (row === undefined) return null;
  const message = readStored(toUserMessage, readText(sql, `m:${row.seq}`, row.content), "summary", row.seq);
  const metadata = readStored(
    shapeOf(isSummaryMetadata),
    readText(sql, `d:${row.seq}`, row.metadata),
    "summary",
    row.seq,
  );
  if (message === undefined || metadata === undefined) return null;
  const { keep_from, ...rest } = metadata;
  return { summary: { message, ...rest }, keep_from };
}

function isSummaryMetadata(value: unknown): value is SummaryMetadata {
  if (!isRecord(value) || !isText(value.text) || !isText(value.last_text) || !isList(value.said, isText)) return false;
  return [value.omitted, value.kept, value.message_limit, value.keep_from].every(isNumber);
}

/** A smaller change is not worth a write at each step. */
const MIN_CHANGE = 0.05;

export function readTokenScale({ database: { sql }, memory }: Life, model: string): number {
  if (memory.token_scale === undefined) memory.token_scale = readMeta(sql, "token_scale", shapeOf(isTokenScale));
  const known = memory.token_scale;
  return known?.model === model ? known.scale : 1;
}

function isTokenScale(value: unknown): value is TokenScale {
  return isRecord(value) && isText(value.model) && isNumber(value.scale);
}

/** Inside a transaction. */
export function storeTokenScale(life: Life, model: string, scale: number): void {
  if (Math.abs(readTokenScale(life, model) - scale) < MIN_CHANGE) return;
  const known: TokenScale = { model, scale: Math.round(scale * 100) / 100 };
  writeMeta(life.database.sql, "token_scale", known);
  life.memory.token_scale = known;
}
