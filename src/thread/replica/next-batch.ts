// The next batch for D1: what it has of the object's SQLite, and what to note once D1 has it. Reading comes first and
// alone, since the size of what is read decides when the batch may be sent.

import type { ClosedLease } from "../../protocol/money/lease.ts";
import type { Run } from "../../protocol/run.ts";
import type { BudgetEvent, ThreadBatch } from "../../store/batch.ts";
import { readNextMessages, readPlanMessage } from "../rows/messages.ts";
import type { RunRecord } from "../rows/runs.ts";
import { forgetRanges } from "../supersede/marks.ts";
import { noChange } from "./changed-plan.ts";
import type { Changes } from "./changes.ts";
import { type NextReceipts, readNextReceipts } from "./next-receipts.ts";

// A batch is one transaction in D1, of at most 30 s. This many rows and characters take far less.
const MESSAGES_PER_BATCH = { limit: 100, characters: 500_000 };

/** What a batch has of messages and receipts. */
export type NextRows = ReturnType<typeof readNextMessages> & { seen: NextReceipts };

export interface NextBatch {
  batch: ThreadBatch;
  rows: NextRows;
  /** Null if the batch does not bring the plan. */
  plan: ThreadBatch["messages"][number] | null;
  runs: { record: RunRecord; run: Run & { version: number; end_seq: number } }[];
  /** Call it if D1 did not take the batch. */
  giveBack: () => void;
}

export function readNextRows({ sql, stored, progress }: Changes): NextRows {
  const { message_seq, receipt_seq = 0 } = progress.position;
  const next = readNextMessages(sql, stored.thread, message_seq, MESSAGES_PER_BATCH);
  const seen = readNextReceipts(sql, receipt_seq);
  return { ...next, seen, characters: next.characters + seen.characters };
}

export function composeBatch(changes: Changes, rows: NextRows): NextBatch {
  const { seen } = rows;
  const { thread, version, made_project } = changes.stored;
  const { position } = changes.progress;
  // The plan waits for the receipts that its tasks closed on, so that whoever finds the one in D1 finds the others.
  const plan = changes.plan.isDirty && !seen.isCut ? readPlanMessage(changes.sql, thread) : null;
  const messages = seen.isCut ? rows.messages.filter(({ type }) => type !== "task_list") : rows.messages;
  // A run that ended before it started has no event. A reader that continues from the newest number misses nothing.
  const runs = changes.runs.next().map((record) => ({
    record,
    run: { ...record.run, version: record.version, end_seq: record.end_seq ?? changes.newest() },
  }));
  const superseded = [...changes.superseded.ranges];
  const planIsNew = plan !== null && plan.version > position.plan_version;
  const project = position.project || made_project === null ? null : { project_id: thread.project_id, ...made_project };
  const { cause, giveBack } = seen.isCut ? noChange : changes.plan.take();
  const batch: ThreadBatch = {
    key: { user_id: thread.user_id, thread_id: thread.thread_id },
    ...(position.thread_version === 0 ? { is_first: true } : {}),
    project,
    thread: version > position.thread_version ? { ...thread, version } : null,
    ...(planIsNew ? { plan_change: { seq: changes.newest(), ...cause } } : {}),
    messages: planIsNew ? [...messages.filter((row) => row.seq !== plan.seq), plan] : messages,
    ...(seen.receipts.length > 0 ? { receipts: seen.receipts } : {}),
    ...(superseded.length > 0 ? { superseded } : {}),
    runs: runs.map(({ run }) => run),
    ...collectSpending(runs.map(({ record }) => record)),
  };
  return { batch, rows, plan: planIsNew ? plan : null, runs, giveBack };
}

/** D1 has the batch. What was not in it may be wanted again since it was sent. */
export function noteSent({ progress, runs, superseded }: Changes, { batch, rows, plan, runs: sent }: NextBatch): void {
  const { position } = progress;
  const { messages, seen, characters } = rows;
  if (batch.project !== null) progress.mark({ project: true });
  if (batch.thread !== null) progress.mark({ thread_version: Math.max(position.thread_version, batch.thread.version) });
  const message_seq = messages.at(-1)?.seq ?? position.message_seq;
  const plan_version = plan?.version ?? position.plan_version;
  const receipt_seq = seen.through > 0 ? { receipt_seq: seen.through } : {};
  const count = messages.length + seen.receipts.length;
  progress.advance({ message_seq, plan_version, ...receipt_seq }, { messages: count, characters });
  forgetRanges(superseded, batch.superseded ?? [], message_seq);
  for (const { record, run } of sent) {
    forgetSent(record, batch);
    runs.noteSent({ run, version: run.version });
  }
}

/** What a batch writes to D1 of runs. */
function collectSpending(records: RunRecord[]): { leases?: ClosedLease[]; budget_events?: BudgetEvent[] } {
  const leases = records.flatMap(({ spending }) => spending.closed);
  const budget_events = records.flatMap(({ spending }) => spending.events);
  return { ...(leases.length > 0 ? { leases } : {}), ...(budget_events.length > 0 ? { budget_events } : {}) };
}

/** D1 has them. */
function forgetSent(
  record: RunRecord,
  { leases = [], budget_events = [] }: { leases?: ClosedLease[]; budget_events?: BudgetEvent[] },
): void {
  const { closed, events } = record.spending;
  if (closed.length === 0 && events.length === 0) return;
  const isLeft =
    <Item>(sent: Item[]) =>
    (item: Item) =>
      !sent.includes(item);
  record.spending = {
    ...record.spending,
    closed: closed.filter(isLeft(leases)),
    events: events.filter(isLeft(budget_events)),
  };
}
