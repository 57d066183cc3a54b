// What the objects of an isolate hold together, in bytes. They share its 128 MB, and where those are full, all of them
// end. So there is one account for them, of plain numbers: an object may die at any moment, and nothing that began in
// one request may be waited for in another.
//
// - **What can be made again is kept in pools**: frames, histories, texts. A pool gives the oldest or the largest of it
//   back when it is asked. It is asked when its own share is full, and when the room is needed for work.
// - **What can't be dropped is large for a short time**: a request to a model while it is sent, an answer of a sandbox
//   while it is read. It is admitted by its weight, in the order in which it came, and waits until it fits. What is
//   larger than all of the room is admitted alone, so something always continues. What is small neither waits nor
//   counts.

export interface Limits {
  /** Of everything together. */
  all: number;
  /** Of what is kept. */
  kept: number;
  /** Of what is admitted. */
  work: number;
  /** What weighs less is admitted at once, and not counted. */
  small: number;
  /** Pools that could give nothing are asked again once so much more is held: finding the largest takes time. */
  portion: number;
}

export interface Pool {
  /** Notes that it holds so much more, or less. */
  add(bytes: number): void;
  readonly held: number;
}

/** One that wants to be admitted. Whoever waits asks again and again: one that no longer asks is forgotten. */
export interface Entrant {
  bytes: number;
  asked_at: number;
  state: "waiting" | "admitted" | "left";
}

export interface MemoryAccount {
  /**
   * `shrink` gives back at least so many bytes, if it can. Pools that hold more than their share give first, so a flood
   * of one kind costs the others nothing. Then all give, as long as room is needed for work.
   */
  openPool(name: string, share: number, shrink: (bytes: number) => void): Pool;
  /** Puts it in the line. */
  comeIn(bytes: number, now: number): Entrant;
  /** Whether it is admitted, now or before. */
  ask(entrant: Entrant, now: number): boolean;
  leave(entrant: Entrant): void;
  isSmall(bytes: number): boolean;
  describe(): MemoryUse;
}

export interface MemoryUse {
  /** Bytes by pool. */
  kept: Record<string, number>;
  /** Bytes that are admitted, and those that wait for it. */
  work: number;
  waiting: number;
}

/** One that does not ask for so long has ended with its object. */
const FORGOTTEN_MS = 5_000;

export function createMemoryAccount(limits: Limits): MemoryAccount {
  const pools: { name: string; held: number; share: number; shrink: (bytes: number) => void }[] = [];
  let line: Entrant[] = [];
  let kept = 0;
  let work = 0;
  let weighed_at = 0;

  const excess = (): number => Math.max(kept - limits.kept, kept + work - limits.all);

  function makeRoom(): void {
    if (excess() > 0 && kept + work < weighed_at + limits.portion) return;
    for (const pool of pools) if (pool.held > pool.share) shrink(pool, pool.held - pool.share);
    for (const pool of pools) shrink(pool, pool.held);
    weighed_at = excess() > 0 ? kept + work : 0;
  }

  function shrink(pool: (typeof pools)[number], most: number): void {
    const bytes = Math.min(excess(), most);
    if (bytes > 0) pool.shrink(bytes);
  }

  function forgetSilent(now: number): void {
    line = line.filter((each) => {
      // The clock may have been set back.
      const isSilent = Math.abs(now - each.asked_at) > FORGOTTEN_MS;
      if (isSilent) each.state = "left";
      return !isSilent;
    });
  }

  return {
    openPool(name, share, shrink) {
      const pool = { name, held: 0, share, shrink };
      pools.push(pool);
      return {
        add(bytes) {
          pool.held += bytes;
          kept += bytes;
          if (bytes > 0 && excess() > 0) makeRoom();
        },
        get held() {
          return pool.held;
        },
      };
    },
    comeIn(bytes, now) {
      const entrant: Entrant = { bytes, asked_at: now, state: "waiting" };
      line.push(entrant);
      return entrant;
    },
    ask(entrant, now) {
      entrant.asked_at = now;
      if (entrant.state === "admitted") return true;
      if (entrant.state === "left") {
        entrant.state = "waiting";
        line.push(entrant);
      }
      if (line[0] !== entrant) forgetSilent(now);
      if (line[0] !== entrant || (work > 0 && work + entrant.bytes > limits.work)) return false;
      line.shift();
      entrant.state = "admitted";
      work += entrant.bytes;
      makeRoom();
      return true;
    },
    leave(entrant) {
      if (entrant.state === "admitted") work -= entrant.bytes;
      line = line.filter((each) => each !== entrant);
      entrant.state = "left";
    },
    isSmall: (bytes) => bytes < limits.small,
    describe: () => ({
      kept: Object.fromEntries(pools.map(({ name, held }) => [name, held])),
      work,
      waiting: line.reduce((sum, { bytes }) => sum + bytes, 0),
    }),
  };
}
