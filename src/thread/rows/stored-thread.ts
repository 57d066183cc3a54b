// What an object keeps of its thread, also of one that is gone.
import { isRecord } from "../../agent/calls/leniency.ts";
import type { Thread, ThreadKey } from "../../protocol/thread.ts";
import { isNumber, isText, isTextOrNull, shapeOf } from "../../store/shapes/stored.ts";
import { type Database, hasTables, readMeta, readRequiredMeta, type Sql } from "./database.ts";

/** The stored thread: what D1 shows of it, and what only the object knows. */
export interface StoredThread {
  thread: Thread;
  version: number;
  /** Name of the project that was made with the thread; null where the project was there before. */
  made_project: { name: string; created_at: string } | null;
  /** The request that made it, which may be repeated. */
  request_id?: string;
}

/** What is left of a removed thread: its id is never used again. */
export interface Removal extends ThreadKey {
  /** The request that asked for it, which may be repeated. */
  request_id: string;
  /** Whether its rows are gone from D1. */
  done: boolean;
}

/** Null where there is none. Throws where it can't be read: it says whose everything else is. */
export function readStoredThread(sql: Sql): StoredThread | null {
  return readRequiredMeta(sql, "thread", shapeOf(isStoredThread));
}

/** Null of a thread that was not removed. */
export function readRemoval({ sql }: Database): Removal | null {
  return hasTables(sql) ? readMeta(sql, "removed", toRemoval) : null;
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

/** A former version stored `true`, when nothing was left to do. Whatever else stands there, the thread is removed. */
function toRemoval(value: unknown): Removal {
  return isRemoval(value) ? value : { user_id: "", thread_id: "", request_id: "", done: true };
}

function isRemoval(value: unknown): value is Removal {
  if (!isRecord(value) || typeof value.done !== "boolean") return false;
  return isText(value.user_id) && isText(value.thread_id) && isText(value.request_id);
}
