// Counts in the memory of one isolate: how often a user did something in the last minute, and how much of something is
// open. Pure but for that memory; the caller brings the time.
import { putNewest } from "../../lib/memory/newest.ts";

const SLOT_MS = 10_000;
/** The present slot and six before it hold the last sixty seconds, wherever they begin. */
const SLOTS = 7;
/** Some hundred bytes each. Beyond this number the one that was used the longest ago starts anew. */
const MAX_COUNTED = 10_000;
/** Whoever is refused is refused again for so long without a question to others. */
const REFUSED_MS = 5_000;
/**
 * What is open for longer is not counted, unless the caller says otherwise: the runtime may have ended a request
 * without a word.
 */
const OPEN_MS = 3_600_000;
/** A flood is one line in the log in this time. */
const SAID_MS = 60_000;

interface Counted {
  /** How many in each slot, by the slot's number modulo their number. */
  slots: number[];
  /** The number of the newest slot. */
  newest: number;
  /** All that were ever taken. */
  total: number;
  refused_until: number;
  said_at: number;
}

/** `key` names a quota and a user. */
export interface Counts {
  /**
   * Takes one, if fewer than `quota` were taken in the last minute; no sixty seconds ever have more. `wait_ms` is 0 if
   * it was taken, else the time after which it may succeed.
   */
  take(key: string, quota: number, now: number): { wait_ms: number; taken: number; total: number };
  /** How long `take` would refuse. */
  waitFor(key: string, quota: number, now: number): number;
  /** Another place refused what was taken here: so does this one for some seconds. */
  refuse(key: string, now: number): void;
  /** Whether to log a refusal: the first in a minute. */
  takeNotice(key: string, now: number): boolean;
  /**
   * Opens one more, if fewer than `quota` are open. Returns what closes it; null if it is refused. It counts no longer
   * than `lives_ms`.
   */
  open(key: string, quota: number, now: number, lives_ms?: number): (() => void) | null;
}

export function createCounts(): Counts {
  const counted = new Map<string, Counted>();
  /** By key, until when each counts. */
  const opened = new Map<string, Set<{ until: number }>>();

  function read(key: string, now: number): Counted {
    const slot = Math.floor(now / SLOT_MS);
    const before = counted.get(key);
    // A clock that was set back by more is right from now on: else all would count as one moment until it has caught
    // up.
    const known = before !== undefined && before.newest - slot < SLOTS ? before : newCounted(slot, before?.total);
    for (let next = Math.max(known.newest + 1, slot - SLOTS + 1); next <= slot; next++) known.slots[next % SLOTS] = 0;
    known.newest = Math.max(known.newest, slot);
    putNewest(counted, key, known, MAX_COUNTED);
    return known;
  }

  return {
    take(key, quota, now) {
      const known = read(key, now);
      const { slots, newest } = known;
      const wait_ms = waitOf(known, quota, now);
      if (wait_ms === 0) {
        slots[newest % SLOTS] = (slots[newest % SLOTS] ?? 0) + 1;
        known.total += 1;
      }
      return { wait_ms, taken: takenOf(known), total: known.total };
    },
    waitFor: (key, quota, now) => waitOf(read(key, now), quota, now),
    refuse(key, now) {
      read(key, now).refused_until = now + REFUSED_MS;
    },
    takeNotice(key, now) {
      const known = read(key, now);
      if (now - known.said_at < SAID_MS) return false;
      known.said_at = now;
      return true;
    },
    open(key, quota, now, lives_ms = OPEN_MS) {
      const all = opened.get(key) ?? new Set();
      if (all.size >= quota) for (const one of all) if (now > one.until) all.delete(one);
      if (all.size >= quota) return null;
      const one = { until: now + lives_ms };
      opened.set(key, all.add(one));
      return () => {
        all.delete(one);
        if (all.size === 0 && opened.get(key) === all) opened.delete(key);
      };
    },
  };
}

function newCounted(slot: number, total = 0): Counted {
  const slots = Array.from({ length: SLOTS }, () => 0);
  return { slots, newest: slot, total, refused_until: 0, said_at: Number.NEGATIVE_INFINITY };
}

function takenOf({ slots }: Counted): number {
  return slots.reduce((sum, each) => sum + each, 0);
}

/** Until the oldest slot with something in it is forgotten. With nothing in any, the quota is 0: a minute. */
function waitOf(known: Counted, quota: number, now: number): number {
  const { slots, newest, refused_until } = known;
  if (now < refused_until) return refused_until - now;
  if (takenOf(known) < quota) return 0;
  for (let slot = newest - SLOTS + 1; slot <= newest; slot++) {
    const held = slot < 0 ? 0 : (slots[slot % SLOTS] ?? 0);
    if (held > 0) return Math.min(SLOTS * SLOT_MS, (slot + SLOTS) * SLOT_MS - now);
  }
  return SLOTS * SLOT_MS;
}
