// The mark of a message that another run has superseded. The row gets a type of its own in place of its real one, so that
// everything that reads rows by their type leaves it out. The mark keeps what it was.
import { isRecord } from "../../lib/is-record.ts";
import { type MessageType, messageTypes } from "../../protocol/message.ts";
import { isNumber, isText, readStored, shapeOf } from "./stored.ts";

/** The type of such a row. No message has it outside of storage. */
export const SUPERSEDED = "superseded";

/** By which run, when, and what the row was. */
interface Mark {
  by: string;
  at: string;
  type: MessageType;
  /** 0 or 1, as SQLite has it. */
  is_llm_message: number;
}

/** An expression of SQL for the mark of a row. `by` and `at` are parameters. */
export const markOf = (by: string, at: string): string =>
  `json_object('by', ${by}, 'at', ${at}, 'type', type, 'is_llm_message', is_llm_message)`;

export interface Unmarked {
  type: MessageType;
  is_llm_message: boolean;
  superseded_by?: string;
  superseded_at?: string;
}

/** What a row is, whether or not it is superseded. */
export function withoutMark(
  row: { type: string; is_llm_message: number | boolean; superseded?: string | null },
  id: string | number,
): Unmarked {
  const own = { type: row.type as MessageType, is_llm_message: Boolean(row.is_llm_message) };
  if (row.type !== SUPERSEDED) return own;
  const mark = readStored(shapeOf(isMark), row.superseded ?? "null", "mark of a message", id);
  // It is left out of every conversation all the same.
  if (mark === undefined) return { ...own, type: "status", superseded_by: "", superseded_at: "" };
  const { by, at, type, is_llm_message } = mark;
  return { type, is_llm_message: is_llm_message === 1, superseded_by: by, superseded_at: at };
}

function isMark(value: unknown): value is Mark {
  if (!isRecord(value) || !isText(value.by) || !isText(value.at) || !isNumber(value.is_llm_message)) return false;
  return messageTypes.some((type) => type === value.type);
}
