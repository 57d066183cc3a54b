// When rows are sent to D1 again after D1 failed. It is stored, since an object sleeps after ten seconds: lives that each
// began to count anew would ask every few seconds for as long as D1 is away, which may be days.
import { isRecord } from "../lib/is-record.ts";
import { isNumber, shapeOf } from "../store/shapes/stored.ts";
import { type Database, deleteMeta, readMeta, writeMeta } from "./rows/database.ts";

const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;

interface Stored {
  failures: number;
  failing_since: number;
  retry_at: number;
}

const toStored = shapeOf((value): value is Stored => {
  return isRecord(value) && [value.failures, value.failing_since, value.retry_at].every(isNumber);
});

export class BackOff {
  readonly #database: Database;
  #state: Stored | null;
  #lastError: string | null = null;

  constructor(database: Database) {
    this.#database = database;
    this.#state = readMeta(database.sql, "back_off", toStored);
  }

  /** When to try again. Null if no retry is due. */
  get retryAt(): number | null {
    return this.#state?.retry_at ?? null;
  }

  /** For operators. The error is of this life. */
  get shown() {
    return {
      failures: this.#state?.failures ?? 0,
      failing_since: toTime(this.#state?.failing_since ?? null),
      retry_at: toTime(this.retryAt),
      last_error: this.#lastError,
    };
  }

  noteFailure(error: unknown, now: number): void {
    const failures = (this.#state?.failures ?? 0) + 1;
    const retry_at = now + Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), MAX_RETRY_MS);
    this.#lastError = error instanceof Error ? error.message.slice(0, 300) : "D1 failed";
    this.#state = { failures, failing_since: this.#state?.failing_since ?? now, retry_at };
    try {
      writeMeta(this.#database.sql, "back_off", this.#state);
    } catch {
      // Only the next life's count is lost. Whoever stores a fact finds that nothing can be stored.
    }
  }

  noteSuccess(): void {
    this.#lastError = null;
    if (this.#state === null) return;
    this.#state = null;
    try {
      deleteMeta(this.#database.sql, "back_off");
    } catch {
      // The same.
    }
  }
}

function toTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
