// What grows while it is read, and can't be read again: a model's reply. It is admitted bit by bit, and one that may not
// grow is not read on, so its server waits. Those who wait hold what they have, so the one that has been large for the
// longest may always grow: it comes to its end, and the next one is the first. So none waits for ever, and together they
// hold no more than their limit and one of the largest.
//
// Plain numbers, as `account.ts`.

export interface Grower {
  bytes: number;
  asked_at: number;
}

export interface Growth {
  /** Whether it may have so many bytes in all. What is small is not counted. */
  ask(grower: Grower, bytes: number, now: number): boolean;
  leave(grower: Grower): void;
  readonly held: number;
}

/** One that does not ask for so long may have ended with its object. It keeps its bytes, but nobody waits for it. */
const SILENT_MS = 2_000;

export function createGrowth(limits: { all: number; small: number }, onChange: (bytes: number) => void): Growth {
  /** The one that became large first is the first. */
  const growers = new Set<Grower>();
  let held = 0;

  const add = (grower: Grower, bytes: number): void => {
    grower.bytes += bytes;
    held += bytes;
    onChange(bytes);
  };

  function isFirst(grower: Grower, now: number): boolean {
    for (const each of growers) {
      if (each === grower) return true;
      if (Math.abs(now - each.asked_at) < SILENT_MS) return false;
    }
    return false;
  }

  return {
    ask(grower, bytes, now) {
      if (bytes < limits.small || bytes <= grower.bytes) return true;
      grower.asked_at = now;
      growers.add(grower);
      const more = bytes - grower.bytes;
      if (held + more > limits.all && !isFirst(grower, now)) return false;
      add(grower, more);
      return true;
    },
    leave(grower) {
      growers.delete(grower);
      add(grower, -grower.bytes);
    },
    get held() {
      return held;
    },
  };
}
