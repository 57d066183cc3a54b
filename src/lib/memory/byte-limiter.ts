// Admits what clients send and fetch by its bytes: bodies of requests, and long answers. It lasts as long as its client
// takes, so nothing else waits behind it (`account.ts` has the queue for work). A client that is slow on purpose must
// not keep the others out: one owner has no more than its share.
//
// The first to come is admitted first, except for owners that have their share already. What is small does not wait
// behind what is large, and has some room for itself. It knows plain numbers only, as `account.ts` does.

export interface ByteLimits {
  /** Bytes of all that is inside, and of what is small beyond that. */
  all: number;
  spare: number;
  /** Of one owner. */
  owner: number;
  /** What weighs less is small. */
  small: number;
  /** One that has been inside for longer has ended without a word, as a request does whose client is gone. */
  stay_ms: number;
}

export interface Entry {
  bytes: number;
  owner: string;
  /** When it last tried, or got in. */
  at: number;
  state: "waiting" | "inside" | "left";
}

export interface ByteLimiter {
  /** Puts it in the queue. Whoever waits tries again and again: an entry that no longer tries is forgotten. */
  enqueue(bytes: number, owner: string, now: number): Entry;
  tryEnter(entry: Entry, now: number): boolean;
  leave(entry: Entry): void;
  readonly held: number;
}

const FORGOTTEN_MS = 5_000;

export function createByteLimiter(limits: ByteLimits, onChange: (bytes: number) => void): ByteLimiter {
  const inside = new Set<Entry>();
  const queue = new Set<Entry>();
  const owners = new Map<string, number>();
  let held = 0;

  function count({ bytes, owner }: Entry, sign: 1 | -1): void {
    held += sign * bytes;
    const left = (owners.get(owner) ?? 0) + sign * bytes;
    if (left > 0) owners.set(owner, left);
    else owners.delete(owner);
    onChange(sign * bytes);
  }

  const isSmall = ({ bytes }: Entry): boolean => bytes < limits.small;

  /** The first one of an owner, and the first one at all, fit whatever they weigh. */
  function isWithinShare({ bytes, owner }: Entry): boolean {
    const owned = owners.get(owner) ?? 0;
    return owned === 0 || owned + bytes <= limits.owner;
  }

  function fits(entry: Entry): boolean {
    return held === 0 || held + entry.bytes <= limits.all + (isSmall(entry) ? limits.spare : 0);
  }

  function isNext(entry: Entry): boolean {
    for (const each of queue) {
      if (each === entry) return true;
      if (isSmall(each) === isSmall(entry) && isWithinShare(each)) return false;
    }
    return false;
  }

  function forget(now: number): void {
    // The clock may have been set back.
    for (const each of queue) if (Math.abs(now - each.at) > FORGOTTEN_MS) leave(each);
    for (const each of inside) if (Math.abs(now - each.at) > limits.stay_ms) leave(each);
  }

  function leave(entry: Entry): void {
    if (inside.delete(entry)) count(entry, -1);
    queue.delete(entry);
    entry.state = "left";
  }

  return {
    enqueue(bytes, owner, now) {
      const entry: Entry = { bytes, owner, at: now, state: "waiting" };
      queue.add(entry);
      return entry;
    },
    tryEnter(entry, now) {
      if (entry.state === "inside") return true;
      entry.at = now;
      entry.state = "waiting";
      queue.add(entry);
      if (!isNext(entry) || !fits(entry) || !isWithinShare(entry)) forget(now);
      if (!isNext(entry) || !fits(entry) || !isWithinShare(entry)) return false;
      queue.delete(entry);
      inside.add(entry);
      entry.state = "inside";
      count(entry, 1);
      return true;
    },
    leave,
    get held() {
      return held;
    },
  };
}
