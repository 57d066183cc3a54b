// The turn that a message belongs to: a person's message and all that followed from it.
import { fail, type Result, succeed } from "../../protocol/error.ts";
import type { Superseding } from "../../protocol/thread.ts";
import { SUPERSEDED } from "../../store/shapes/superseded.ts";
import { findRun, type Life } from "../life.ts";
import type { Sql } from "../rows/database.ts";
import { findMessageSeq } from "../rows/messages.ts";
import type { RunRecord } from "../rows/runs.ts";
import { readStartEvents } from "./start-events.ts";

/** The person's message that begins a turn. */
export type Turn = {
  seq: number;
  message_id: string;
  /** The run that took the message. */
  invocation_id: string | null;
};

type Row = Turn & { type: string };

const COLUMNS = "SELECT seq, message_id, invocation_id, type FROM messages";

/** The turn of any message of the conversation. An `edit` names the person's own message. */
export function findTurn(sql: Sql, message_id: string, { edit = false }: { edit?: boolean } = {}): Result<Turn> {
  const row = findRow(sql, message_id);
  if (row === null) return fail("not_found", `The message ${message_id} does not exist.`);
  if (row.type === SUPERSEDED) return fail("not_found", `The message ${message_id} was superseded.`);
  if (row.type === "user") return succeed(row);
  // Its one row stands where the plan began, whatever turn it is of now.
  if (row.type === "task_list")
    return fail("invalid_operation", "The plan belongs to no turn that can be asked again.");
  if (edit) return fail("invalid_operation", `The message ${message_id} is not a person's, so it can't be edited.`);
  const [before] = sql
    .exec<Row>(`${COLUMNS} WHERE seq < ? AND type = 'user' ORDER BY seq DESC LIMIT 1`, row.seq)
    .toArray();
  if (before === undefined) return fail("invalid_operation", "No message from a person comes before it.");
  return succeed(before);
}

/** Streams name the reasoning of a message by an id of its own. */
export function findRow(sql: Sql, message_id: string): Row | null {
  for (const id of new Set([message_id, message_id.replace(/_reasoning$/, "")])) {
    const seq = findMessageSeq(sql, id);
    const [row] = seq === null ? [] : sql.exec<Row>(`${COLUMNS} WHERE seq = ?`, seq).toArray();
    if (row !== undefined) return row;
  }
  return null;
}

/** Whether the named message is a reply, also one that is superseded by now. It can be asked for only once. */
export function isReply(sql: Sql, message_id: string): boolean {
  const [row] = sql
    .exec<{ type: string }>(
      `SELECT iif(type = '${SUPERSEDED}', superseded ->> 'type', type) AS type FROM messages WHERE seq = ?`,
      findMessageSeq(sql, message_id),
    )
    .toArray();
  return row !== undefined && row.type !== "user";
}

/**
 * The first row that is superseded, and the run that the new message answers in place of the old one. An old message that
 * answered a question goes with the result that it gave.
 */
export function findBeginning(
  life: Life,
  turn: Turn,
  { replaces }: Superseding,
): { from: number; asked: RunRecord | null } {
  if (!replaces) return { from: turn.seq + 1, asked: null };
  const own = { from: turn.seq, asked: null };
  const run = turn.invocation_id === null ? null : findRun(life, turn.invocation_id);
  const asked = run?.run.resumes == null ? null : findRun(life, run.run.resumes);
  if (run === null || asked?.run.status !== "interrupted") return own;
  const { messages } = readStartEvents(life, run);
  if (messages[0] !== turn.message_id) return own;
  const answers = life.database.sql
    .exec<{ seq: number; call: string | null }>(
      `SELECT seq, content ->> 'tool_call_id' AS call FROM messages
       WHERE invocation_id = ? AND seq < ? AND type = 'tool' AND json_valid(content) ORDER BY seq`,
      run.run.invocation_id,
      turn.seq,
    )
    .toArray();
  const isAnswer = ({ call }: { call: string | null }) =>
    asked.run.interrupts.some(({ tool_call_id }) => tool_call_id === call);
  const [first] = answers;
  // Results of a client's tools stay, and what stands before them with them.
  return first !== undefined && answers.every(isAnswer) ? { from: first.seq, asked } : own;
}
