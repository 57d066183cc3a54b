// The row that an object keeps of its thread.
import type { Thread } from "../../protocol/thread.ts";

/** The stored thread: what D1 shows of it, and what only the object knows. */
export interface StoredThread {
  thread: Thread;
  version: number;
  /** Name of the project that was made with the thread; null where the project was there before. */
  made_project: { name: string; created_at: string } | null;
  /** The request that made it, which may be repeated. */
  request_id?: string;
}
