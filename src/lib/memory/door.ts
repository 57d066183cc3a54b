// What clients bring and take is let in by weight: bodies of requests, and answers that are long. It is short-lived as
// long as its client is quick, so nothing else waits behind it (`account.ts` has the line for work), and a client that
// is slow on purpose must not keep the others out: one owner has no more than its share.
//
// Whoever came first is let in first, except for owners that have their share already. What is small does not wait
// behind what is large, and has some room for itself. Plain numbers, as `account.ts`.

export interface DoorLimits {
  /** Bytes of all that are inside, and of what is small beyond that. */
  all: number;
  spare: number;
  /** Of one owner. */
  owner: number;
  /** What weighs less is small. */
  small: number;
  /** One that has been inside for longer has ended without a word, as a request does whose client is gone. */
  stay_ms: number;
}

export interface Guest {
  bytes: number;
  owner: string;
  /** When it asked last, or got in. */
  at: number;
  state: "waiting" | "inside" | "left";
}

export interface Door {
  /** Puts it in the line. Whoever waits asks again and again: one that no longer asks is forgotten. */
  comeIn(bytes: number, owner: string, now: number): Guest;
  ask(guest: Guest, now: number): boolean;
  leave(guest: Guest): void;
  readonly held: number;
}

const FORGOTTEN_MS = 5_000;

export function createDoor(limits: DoorLimits, onChange: (bytes: number) => void): Door {
  const inside = new Set<Guest>();
  const line = new Set<Guest>();
  const owners = new Map<string, number>();
  let held = 0;

  function count({ bytes, owner }: Guest, sign: 1 | -1): void {
    held += sign * bytes;
    const left = (owners.get(owner) ?? 0) + sign * bytes;
    if (left > 0) owners.set(owner, left);
    else owners.delete(owner);
    onChange(sign * bytes);
  }

  const isSmall = ({ bytes }: Guest): boolean => bytes < limits.small;

  /** The first one of an owner, and the first one at all, fit whatever they weigh. */
  function isWithinShare({ bytes, owner }: Guest): boolean {
    const owned = owners.get(owner) ?? 0;
    return owned === 0 || owned + bytes <= limits.owner;
  }

  function fits(guest: Guest): boolean {
    return held === 0 || held + guest.bytes <= limits.all + (isSmall(guest) ? limits.spare : 0);
  }

  function isNext(guest: Guest): boolean {
    for (const each of line) {
      if (each === guest) return true;
      if (isSmall(each) === isSmall(guest) && isWithinShare(each)) return false;
    }
    return false;
  }

  function forget(now: number): void {
    // The clock may have been set back.
    for (const each of line) if (Math.abs(now - each.at) > FORGOTTEN_MS) leave(each);
    for (const each of inside) if (Math.abs(now - each.at) > limits.stay_ms) leave(each);
  }

  function leave(guest: Guest): void {
    if (inside.delete(guest)) count(guest, -1);
    line.delete(guest);
    guest.state = "left";
  }

  return {
    comeIn(bytes, owner, now) {
      const guest: Guest = { bytes, owner, at: now, state: "waiting" };
      line.add(guest);
      return guest;
    },
    ask(guest, now) {
      if (guest.state === "inside") return true;
      guest.at = now;
      guest.state = "waiting";
      line.add(guest);
      if (!isNext(guest) || !fits(guest) || !isWithinShare(guest)) forget(now);
      if (!isNext(guest) || !fits(guest) || !isWithinShare(guest)) return false;
      line.delete(guest);
      inside.add(guest);
      guest.state = "inside";
      count(guest, 1);
      return true;
    },
    leave,
    get held() {
      return held;
    },
  };
}
