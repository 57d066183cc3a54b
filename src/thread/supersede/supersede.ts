// Takes messages out of the conversation when the run that replaces them starts, in the transaction of its start. Their
// rows stay, with a mark. What they did to the plan is taken back; files, and what tools did elsewhere, are not.

import type { ThreadEvent } from "../../protocol/event.ts";
import { newId } from "../../protocol/ids.ts";
import type { Superseding } from "../../protocol/thread.ts";
import type { SupersededRange } from "../../store/batch.ts";
import { markOf, SUPERSEDED } from "../../store/shapes/superseded.ts";
import { renameThread } from "../inbox/thread-name.ts";
import { isoTime, type Life } from "../life.ts";
import { forgetHistory } from "../memory/kept-history.ts";
import { readSaid } from "../rows/messages.ts";
import type { RunRecord } from "../rows/runs.ts";
import { hasTable } from "../rows/tables.ts";
import { forgetNotes } from "../run/environment-notes.ts";
import { forgetSeenEdits, restoreTimes } from "../run/plan-tracking.ts";
import { recordPlan } from "../run/recorder.ts";
import { forgetSelection, messagesSnapshot } from "../stream/snapshot.ts";
import { findFormerPlan } from "./former-plan.ts";
import { writeSuperseded } from "./marks.ts";
import { findBeginning, findTurn, type Turn } from "./turn.ts";

/**
 * Supersedes what the run replaces, and returns which interrupted run its message answers. Null if it replaces nothing.
 * Inside the transaction that starts the run.
 */
export function supersede(life: Life, record: RunRecord): { asked: RunRecord | null } | null {
  const wanted = record.input?.supersede;
  if (wanted === undefined) return null;
  const found = findTurn(life.database.sql, wanted.message_id, { edit: wanted.replaces });
  // Another run has superseded it since this one was accepted.
  if (!found.ok) return null;
  const turn = found.value;
  const { from, asked } = findBeginning(life, turn, wanted);
  if (wanted.replaces) nameAnew(life, record, turn);
  const plan = findFormerPlan(life, turn);
  const range = markRows(life, record, turn, from, wanted);
  if (range !== null) forgetRows(life, from);
  if (plan !== null) {
    forgetSeenEdits(life, life.state.plan.version);
    recordPlan(life, null, plan);
    restoreTimes(life.database.sql, plan);
  }
  if (range !== null) tellReaders(life, range);
  return { asked };
}

/** Of the thread's first message. */
function nameAnew(life: Life, { input }: RunRecord, { seq }: Turn): void {
  const { sql } = life.database;
  const [first] = sql
    .exec<{ seq: number }>("SELECT seq FROM messages WHERE type = 'user' ORDER BY seq LIMIT 1")
    .toArray();
  const former = first?.seq === seq ? readSaid(sql, seq) : null;
  if (former !== null) renameThread(life, former, input?.messages ?? []);
}

/** Null if there is nothing to mark. */
function markRows(
  life: Life,
  { run, input }: RunRecord,
  turn: Turn,
  from: number,
  { replaces }: Superseding,
): SupersededRange | null {
  const { sql } = life.database;
  const [last] = sql
    .exec<{ through: number | null }>(
      `SELECT max(seq) AS through FROM messages WHERE seq >= ? AND type NOT IN ('task_list', '${SUPERSEDED}')`,
      from,
    )
    .toArray();
  if (last?.through == null) return null;
  const range: SupersededRange = { by: run.invocation_id, at: isoTime(life), from, through: last.through };
  sql.exec(
    `UPDATE messages SET superseded = ${markOf("?", "?")}, type = '${SUPERSEDED}', is_llm_message = 0
     WHERE seq >= ? AND type NOT IN ('task_list', '${SUPERSEDED}')`,
    range.by,
    range.at,
    from,
  );
  // A client that edits a message may keep its id, and then names the new message by it.
  if (!replaces || input?.messages.some(({ message_id }) => message_id === turn.message_id) !== true) return range;
  const renamed = { seq: turn.seq, message_id: newId("msg") };
  sql.exec("UPDATE messages SET message_id = ? WHERE seq = ?", renamed.message_id, renamed.seq);
  return { ...range, renamed };
}

/** What is known beside the rows. */
function forgetRows(life: Life, from: number): void {
  const { sql } = life.database;
  if (hasTable(sql, "reply_extras")) sql.exec("DELETE FROM reply_extras WHERE seq >= ?", from);
  forgetNotes(life, from);
  forgetHistory(life);
  forgetSelection(life);
}

/**
 * Readers of the thread get the conversation without them, before the run starts. Whoever is not there now gets it with
 * the resync of a later visit.
 */
function tellReaders(life: Life, range: SupersededRange): void {
  const { journal, superseded, readers } = life;
  if (readers.count > 0) {
    const snapshot = messagesSnapshot(life);
    // A client that keeps what a snapshot lacks, since that may be older, learns that the rest is gone.
    journal.addEphemeral({ ...snapshot, metadata: { superseded: true } } as ThreadEvent);
  }
  superseded.floor = readers.count > 0 ? journal.newest : journal.newest + 1;
  superseded.ranges = [...superseded.ranges, range];
  writeSuperseded(life.database.sql, superseded);
  life.outbox.markMessages();
}
