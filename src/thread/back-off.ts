// When rows are sent to D1 again after D1 failed. It is stored, since an object sleeps after ten seconds: lives that each
// began to count anew would ask every few seconds for as long as D1 is away, which may be days.
//
// Each wait is up to twice the one before, until they take hours. So a thread asks a handful of times a day, and is back
// when D1 has been well for about as long as it was away. Half of a wait depends on the thread, so that threads that
// failed together come back apart. A try that is due is counted before it is made: it costs one row and one alarm
// if it fails, and a life that ends during it has counted it.
import { isRecord } from "../lib/is-record.ts";
import { type Backoff, backoffDelay } from "../lib/retry.ts";
import { isNumber, shapeOf } from "../store/shapes/stored.ts";
import { type Database, deleteMeta, readMeta, writeMeta } from "./rows/database.ts";

const HOUR_MS = 60 * 60_000;
export const WAITS: Backoff = { base_ms: 1_000, cap_ms: 6 * HOUR_MS };
/** What a person has done since does not wait for hours: a request or a run has asked in vain a moment ago. */
const FRESH_WAITS: Backoff = { base_ms: 10 * 60_000, cap_ms: 10 * 60_000 };
/** A client that reads again and again is answered by the object meanwhile. */
const PAUSE_MS = 2_000;

interface Stored {
  failures: number;
  failing_since: number;
  retry_at: number;
}

const toStored = shapeOf((value): value is Stored => {
  return isRecord(value) && [value.failures, value.failing_since, value.retry_at].every(isNumber);
});

/** The wait after so many failures of whom `name` names: always the same, and another for each name. */
export function waitOf(name: string, failures: number, waits: Backoff): number {
  return backoffDelay(failures, waits, spread(`${name} ${failures}`));
}

/** From 0 up to 1, evenly over names (FNV-1a, with a mixer so that names which differ little don't lie close). */
function spread(name: string): number {
  let hash = 0x811c9dc5;
  for (let place = 0; place < name.length; place++) hash = Math.imul(hash ^ name.charCodeAt(place), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

export class BackOff {
  readonly #database: Database;
  readonly #name: string;
  #state: Stored | null;
  #lastError: string | null = null;
  /** When a try of this life failed last. */
  #failedAt = Number.NEGATIVE_INFINITY;
  /** The try under way, or about to be made, is in `#state` as if it had failed. */
  #isCounted = false;

  /** `name` is the thread's. */
  constructor(database: Database, name: string, now: number) {
    this.#database = database;
    this.#name = name;
    const stored = readMeta(database.sql, "back_off", toStored);
    // A clock that was ahead when it was stored must not keep the rows here for longer than the longest wait.
    this.#state = stored && { ...stored, retry_at: Math.min(stored.retry_at, now + WAITS.cap_ms) };
  }

  /** When to try again. Null if no retry is due. */
  get retryAt(): number | null {
    return this.#state?.retry_at ?? null;
  }

  /** Whether nothing speaks against a try that nobody has asked for. */
  isDue(now: number): boolean {
    return this.#isCounted || this.#state === null || this.#state.retry_at <= now;
  }

  /** Whether a try of this life failed a moment ago. */
  hasJustFailed(now: number): boolean {
    return now >= this.#failedAt && now - this.#failedAt < PAUSE_MS;
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

  /** Call it before a try, and before the alarm is set that serves if the life ends during it. */
  noteTry(now: number): void {
    if (this.#state === null || this.#isCounted || this.#state.retry_at > now) return;
    this.#isCounted = true;
    this.#storeFailure(this.#state, now);
  }

  noteFailure(error: unknown, now: number): void {
    this.#lastError = error instanceof Error ? error.message.slice(0, 300) : "D1 failed";
    this.#failedAt = now;
    const isCounted = this.#isCounted;
    this.#isCounted = false;
    if (isCounted) return;
    if (this.#state === null) {
      this.#storeFailure({ failures: 0, failing_since: now, retry_at: now }, now);
      return;
    }
    // A try before its time. It is no reason to wait for longer.
    const fresh = now + waitOf(this.#name, this.#state.failures, FRESH_WAITS);
    if (this.#state.retry_at > now + FRESH_WAITS.cap_ms) this.#store({ ...this.#state, retry_at: fresh });
  }

  noteSuccess(): void {
    this.#lastError = null;
    this.#failedAt = Number.NEGATIVE_INFINITY;
    this.#isCounted = false;
    if (this.#state === null) return;
    this.#state = null;
    try {
      deleteMeta(this.#database.sql, "back_off");
    } catch {
      // The same.
    }
  }

  #storeFailure({ failures, failing_since }: Stored, now: number): void {
    const retry_at = now + waitOf(this.#name, failures + 1, WAITS);
    this.#store({ failures: failures + 1, failing_since, retry_at });
  }

  #store(state: Stored): void {
    this.#state = state;
    try {
      writeMeta(this.#database.sql, "back_off", state);
    } catch {
      // Only the next life's count is lost. Whoever stores a fact finds that nothing can be stored.
    }
  }
}

function toTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
