// Follows who comes and leaves, and cancels runs that nobody has watched for a few seconds, if they ask for that. An
// alarm does it, because the life may end meanwhile.
//
// A client that leaves says nothing: the platform notices when a write to it fails. Where nothing else is written,
// pings are, so while such a run is watched they come more often.
import type { Life } from "../life.ts";
import { transact } from "../life.ts";
import { cancelRecord } from "../run/control.ts";
import { schedule } from "../scheduler.ts";
import { endsWhenLeft, LEFT_MS, type Watched, writeWatched } from "./watched.ts";

// The third write after a client has left fails, as tried in workerd: one is in each of two buffers between.
const PROBE_MS = 2_000;
/** A request that waits for the run's end can't be seen to leave, and is over after five minutes. */
const WAITER_MS = 30_000;

/** A reader that has left; without `run` it watched the whole thread. */
interface Left {
  run?: string | undefined;
}

/** Call it when a reader or a run has come, and when a reader has left. */
export function notePresence(life: Life, left: Left | null): void {
  if (life.removing) return;
  probe(life);
  if (findChanges(life, left).size === 0) return;
  // The caller may be inside a transaction.
  const stored = Promise.resolve().then(() => store(life, left));
  life.platform.waitUntil(stored);
}

async function store(life: Life, left: Left | null): Promise<void> {
  if (life.removing || life.removed) return;
  const changes = findChanges(life, left);
  if (changes.size === 0) return;
  transact(life, () => writeWatched(life, changes));
  await schedule(life);
}

function findChanges(life: Life, left: Left | null): Watched {
  const changes: Watched = new Map();
  for (const record of life.live.values()) {
    if (!endsWhenLeft(life, record)) continue;
    const id = record.run.invocation_id;
    const known = life.watched.get(id);
    const wasWatched = known === null || (known === undefined && left !== null && (left.run ?? id) === id);
    if (life.readers.watches(id)) {
      if (known !== null) changes.set(id, null);
    } else if (wasWatched) changes.set(id, life.ports.clock.now() + LEFT_MS);
  }
  return changes;
}

/** Cancels the runs whose time is over. */
export function cancelLeft(life: Life): void {
  const now = life.ports.clock.now();
  for (const [id, at] of life.watched) {
    const record = life.live.get(id);
    if (at === null || at > now || record === undefined || !endsWhenLeft(life, record)) continue;
    if (life.readers.watches(id)) continue;
    if ((life.waiters.get(id)?.size ?? 0) > 0) life.watched.set(id, now + WAITER_MS);
    else cancelRecord(life, record);
  }
}

/** Writes to readers often, while one of them keeps a run from being cancelled. */
function probe(life: Life): void {
  if (life.cancelProbe !== null || !keepsRun(life)) return;
  life.cancelProbe = life.ports.clock.setTimer(() => {
    life.cancelProbe = null;
    if (!keepsRun(life)) return;
    life.readers.ping();
    probe(life);
  }, PROBE_MS);
}

function keepsRun(life: Life): boolean {
  if (life.removing || life.readers.count === 0) return false;
  for (const record of life.live.values()) {
    if (endsWhenLeft(life, record) && life.readers.watches(record.run.invocation_id)) return true;
  }
  return false;
}
