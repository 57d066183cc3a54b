// The stored thread, or what is kept of a removed one.
import { isRecord } from "../../lib/is-record.ts";
import type { ClosedLease } from "../../protocol/money/lease.ts";
import type { Thread, ThreadKey } from "../../protocol/thread.ts";
import type { ThreadEnd } from "../../store/batch.ts";
import { isList, isNumber, isText, isTextOrNull, shapeOf } from "../../store/shapes/stored.ts";
import { isClosed } from "../usage/state.ts";
import { type Database, readMeta, readRequiredMeta, type Sql } from "./database.ts";
import { hasTables } from "./tables.ts";

/**
 * The version of all that an object stores, in the row that says whose the object is: so it costs no row. An object that
 * finds another number, or none, reads and changes nothing.
 */
export const FORMAT = 2;

/** The thread as D1 has it, and the fields that only the object needs. */
export interface StoredThread {
  format: typeof FORMAT;
  thread: Thread;
  version: number;
  /** The project that was created with the thread. Null if the project existed before. */
  made_project: { name: string; created_at: string } | null;
  /** The request that created it, which may be repeated. */
  request_id: string;
}

/** What is kept of a removed thread, so that its id is never used again. */
export interface Removal extends ThreadKey {
  format: typeof FORMAT;
  /** The request that removed it, which may be repeated. */
  request_id: string;
  /** Whether its rows are deleted in D1. */
  done: boolean;
  /** How often D1 failed to do it. */
  failures?: number;
  /** What its runs give back to D1 with that. */
  leases?: ClosedLease[];
  /** What else D1 gets. */
  end?: ThreadEnd;
}

/** Whether an object has data of another version. */
export function hasOtherFormat(sql: Sql): boolean {
  if (!hasTables(sql)) return false;
  return (readMeta(sql, "removed", toFormat) ?? readMeta(sql, "thread", toFormat)) !== FORMAT;
}

/** A damaged row is no other version's. Who reads it says what is wrong. */
function toFormat(value: unknown): number {
  if (!isRecord(value)) return FORMAT;
  return isNumber(value.format) ? value.format : 0;
}

/** Null if there is none. Throws if it can't be read, since it names the owner of everything else. */
export function readStoredThread(sql: Sql): StoredThread | null {
  return readRequiredMeta(sql, "thread", shapeOf(isStoredThread));
}

/** Null for a thread that was not removed, and where another version stored what there is. */
export function readRemoval({ sql }: Database): Removal | null {
  return hasTables(sql) && !hasOtherFormat(sql) ? readMeta(sql, "removed", toRemoval) : null;
}

function isStoredThread(value: unknown): value is StoredThread {
  if (!isRecord(value) || !isThread(value.thread) || !isNumber(value.version)) return false;
  return value.made_project === null || isRecord(value.made_project);
}

function isThread(value: unknown): value is Thread {
  return (
    isRecord(value) &&
    ["thread_id", "user_id", "project_id", "agent_id", "created_at", "updated_at"].every((name) =>
      isText(value[name]),
    ) &&
    isTextOrNull(value.title) &&
    isRecord(value.metadata)
  );
}

/** A value that can't be read means that the thread is removed, too. */
function toRemoval(value: unknown): Removal {
  return isRemoval(value) ? value : { format: FORMAT, user_id: "", thread_id: "", request_id: "", done: true };
}

function isRemoval(value: unknown): value is Removal {
  if (!isRecord(value) || typeof value.done !== "boolean") return false;
  if (value.leases !== undefined && !isList(value.leases, isClosed)) return false;
  if (value.end !== undefined && !isEnd(value.end)) return false;
  if (value.failures !== undefined && !isNumber(value.failures)) return false;
  return isText(value.user_id) && isText(value.thread_id) && isText(value.request_id);
}

function isEnd(value: unknown): value is ThreadEnd {
  if (!isRecord(value)) return false;
  return value.unread_runs === undefined || isList(value.unread_runs, isText);
}
