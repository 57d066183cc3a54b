// The position up to which D1 has the object's rows. Without it everything is sent again, which changes nothing in D1.
import { isRecord } from "../../../lib/is-record.ts";
import { isNumber, shapeOf } from "../../../store/shapes/stored.ts";
import { readMeta, type Sql } from "../database.ts";

export interface Position {
  message_seq: number;
  plan_version: number;
  thread_version: number;
  project: boolean;
  /** D1 has the runs that changed before this number of the journal. */
  run_seq: number;
  /** A run that D1 has, as of this version, though it may have changed at `run_seq` itself. */
  last_run?: SentRun | undefined;
  /** Of receipts, as `message_seq`. Absent where D1 has none. */
  receipt_seq?: number;
  /** Readers may see what ended up to this number. */
  released: number;
  /** Absent if a number may have no row. */
  settled?: Settled | undefined;
}

export interface SentRun {
  id: string;
  version: number;
}

/** Every number of the journal up to `seq` has its row, and `reserved` was the end of the last block then. */
export interface Settled {
  seq: number;
  reserved: number;
}

/** `project`: whether D1 had the thread's project before the thread. */
export function readPosition(sql: Sql, project = false): Position {
  const none: Position = { message_seq: 0, plan_version: 0, thread_version: 0, project, run_seq: 0, released: 0 };
  return readMeta(sql, "synced", toPosition) ?? none;
}

export const toPosition = shapeOf(isPosition);

function isPosition(value: unknown): value is Position {
  if (!isRecord(value) || typeof value.project !== "boolean") return false;
  const { message_seq, plan_version, thread_version, run_seq, receipt_seq = 0, released } = value;
  const { settled, last_run } = value;
  if (settled !== undefined && !isSettled(settled)) return false;
  if (last_run !== undefined && !isSentRun(last_run)) return false;
  return [message_seq, plan_version, thread_version, run_seq, receipt_seq, released].every(isNumber);
}

function isSettled(value: unknown): value is Settled {
  return isRecord(value) && isNumber(value.seq) && isNumber(value.reserved);
}

function isSentRun(value: unknown): value is SentRun {
  return isRecord(value) && typeof value.id === "string" && isNumber(value.version);
}
