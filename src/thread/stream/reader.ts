// One reader of a stream, as `readers.ts` keeps it.
import type { Sink } from "./connection.ts";
import type { Cursor, ReaderRequest } from "./cursor.ts";
import type { Opener } from "./ended-keys.ts";

export interface Reader {
  sink: Sink;
  request: ReaderRequest;
  /** Null if it may stay whatever happens to keys. */
  opener: Opener | null;
  cursor: Cursor;
  /** The write in flight: since when, and `written` of the log at that time. */
  writing: { since: number; written: number; bytes: Uint8Array } | null;
  /** The last write: when, and how many bytes. */
  wrote: { at: number; bytes: number };
  /** Whether an urgent event came while a write was in flight. The next write then follows at once. */
  hurried: boolean;
  /** The frame to close it with when it has everything. Null again if more events came first. */
  closingFrame: Uint8Array | null;
  /** `written` of the log at the last frame that it took. */
  taken: number;
}
