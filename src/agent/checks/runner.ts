// Port: runs checks and says what was seen. The loop decides what follows from that.
import type { Check, ProtectedFile, Receipt } from "../../protocol/plan/check.ts";

export interface WantedCheck {
  task_id: string;
  check: Check;
  /**
   * It runs only if these files are as they say: a person has approved its command with them. Null: nobody has approved
   * it. Absent: nobody needs to.
   */
  needs?: readonly ProtectedFile[] | null;
}

/**
 * Contract: a receipt for each wanted check, in the order in which they are given, whatever happens: what can't run
 * here is `not_run` and says why. Equal specs run once. Rejects only when `signal` aborts, with its reason, after what
 * it had started in the sandbox got the request to end.
 */
export interface CheckRunner {
  run(wanted: readonly WantedCheck[], options: RunOptions): Promise<Receipt[]>;
  /** The hash of the tree as it is now; null if nothing can be said of it. */
  readTree(): Promise<string | null>;
  /** Files by path, null where there is none; empty if they can't be read. */
  hashFiles(paths: string[]): Promise<ReadonlyMap<string, string | null>>;
  /** What patterns match now, by pattern; empty if it can't be read. */
  hashProtected(patterns: string[]): Promise<ReadonlyMap<string, ProtectedFile>>;
}

export interface RunOptions {
  /** Names the call that closes the tasks: a life that repeats it attaches to the commands of the former. */
  call_id: string;
  /** For all of the checks together. */
  budget_ms: number;
  /** A former life of the run may have begun it. */
  is_repeated?: boolean;
}

/** For all checks of one task. */
export const TASK_BUDGET_MS = 5 * 60_000;
/** For all stale checks at the end of a run. */
export const END_BUDGET_MS = 15 * 60_000;

/** Null if the run was cancelled meanwhile. */
export async function unlessCancelled<Value>(
  { signal }: { signal: AbortSignal },
  work: () => Promise<Value>,
): Promise<Value | null> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}
