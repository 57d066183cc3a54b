// What the objects of an isolate hold together, in bytes. They share its 128 MB, and where those are full, all of them
// end. So what may become large has a room with a limit, for all objects together. A room holds plain numbers: an object
// may die at any moment, and nothing that began in one request may be waited for in another.

const MIB = 1024 * 1024;

/**
 * Bodies of requests until they are answered, and as much of long answers: six of the longest bodies, one of the longest
 * pages. While one is parsed and passed on, it is in memory some five times.
 */
export const BODIES_BYTES = 6 * MIB;
/**
 * Requests to models until they are sent, with answers of sandboxes and batches for D1 while they are read or written,
 * and as much of long replies: one conversation of the longest with others, or one of the longest replies.
 */
export const MODELS_BYTES = 12 * MIB;
/** Frames that readers may still need: three threads with the most. Half as much may be written and not taken. */
export const STREAMS_BYTES = 12 * MIB;

/** What weighs less needs no room: a hundred of them are little, and a simple turn pays nothing. */
export const SMALL_BYTES = 256 * 1024;

/** A body that is shorter waits behind no longer one, and has so much more room. */
const SHORT_BYTES = 64 * 1024;
const SPARE_BYTES = 2 * MIB;

const POLL_MS = 20;
/** Our own work is short, but a model may take minutes until it answers. */
const WORK = { wait_ms: 300_000, stay_ms: Number.POSITIVE_INFINITY, max_poll_ms: POLL_MS };
/**
 * A client often waits for half a minute, and gets a refusal before that ends. Its body takes a minute to arrive, and
 * what is done with it seconds. One that is inside for longer has ended without a word. Hundreds may wait, so one that
 * waits for long asks less often.
 */
const CLIENT = { wait_ms: 10_000, stay_ms: 90_000, max_poll_ms: 200 };

/** One that does not ask for so long has ended with its object. */
const FORGOTTEN_MS = 5_000;

/** Gives back what was taken. More than once has no effect. */
export type Leave = () => void;

interface Entry {
  bytes: number;
  owner: string | undefined;
  /** When it last asked, or got in. */
  at: number;
  stay_ms: number;
}

interface Asked {
  /** A client, or all without a key. It has no more than half of the room, so that a slow one keeps no other out. */
  owner?: string;
  /** Asked while it waits. */
  goOn?: () => boolean;
}

const rooms: Room[] = [];

export class Room {
  readonly name: string;
  readonly limit: number;
  #held = 0;
  readonly #owned = new Map<string, number>();
  readonly #inside = new Set<Entry>();
  readonly #queue = new Set<Entry>();
  /** When those that have ended without a word were last looked for. */
  #looked = 0;
  readonly #abandoned = new FinalizationRegistry<Entry>((entry) => this.#leave(entry));

  constructor(name: string, limit: number) {
    this.name = name;
    this.limit = limit;
    rooms.push(this);
  }

  get held(): number {
    return this.#held;
  }

  get waiting(): number {
    return [...this.#queue].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  fits(bytes: number): boolean {
    return this.#held + bytes <= this.limit;
  }

  /** Notes that so much more is held, or less, whether or not it fits. */
  add(bytes: number): void {
    this.#held += bytes;
  }

  /**
   * Resolves once so many bytes fit, with how to give them back; null if they did not in time. The first to come is the
   * first inside. What is larger than all of the room enters alone, so something always continues.
   */
  async enter(bytes: number, { owner, goOn }: Asked = {}): Promise<Leave | null> {
    const { wait_ms, stay_ms, max_poll_ms } = owner === undefined ? WORK : CLIENT;
    const began = Date.now();
    const entry: Entry = { bytes, owner, at: began, stay_ms };
    for (let poll_ms = POLL_MS; !this.#admits(entry); poll_ms = Math.min(max_poll_ms, poll_ms * 2)) {
      if (goOn?.() === false || Date.now() - began > wait_ms) {
        this.#leave(entry);
        return null;
      }
      // Each waits with a timer of its own: nobody may be woken by the request of another object.
      await new Promise((resolve) => setTimeout(resolve, poll_ms));
    }
    const leave = () => this.#leave(entry);
    // An object that ends in a request, or a request that is cancelled, gives nothing back.
    this.#abandoned.register(leave, entry);
    return leave;
  }

  #admits(entry: Entry): boolean {
    entry.at = Date.now();
    this.#queue.add(entry);
    this.#forget(entry.at);
    if (!this.#isNext(entry) || !this.#isWithinHalf(entry)) return false;
    const limit = this.limit + (isShort(entry) ? SPARE_BYTES : 0);
    if (this.#held > 0 && this.#held + entry.bytes > limit) return false;
    this.#queue.delete(entry);
    this.#inside.add(entry);
    this.#count(entry, entry.bytes);
    return true;
  }

  #isNext(entry: Entry): boolean {
    for (const each of this.#queue) {
      if (each === entry) return true;
      if (isShort(each) === isShort(entry) && this.#isWithinHalf(each)) return false;
    }
    return false;
  }

  /** The first one of an owner fits whatever it weighs. */
  #isWithinHalf({ bytes, owner }: Entry): boolean {
    const owned = owner === undefined ? 0 : (this.#owned.get(owner) ?? 0);
    return owned === 0 || owned + bytes <= this.limit / 2;
  }

  /** Looks at all of them, so it is done once for all who ask at that time. */
  #forget(now: number): void {
    // The clock may have been set back.
    if (Math.abs(now - this.#looked) < POLL_MS) return;
    this.#looked = now;
    for (const each of this.#queue) if (Math.abs(now - each.at) > FORGOTTEN_MS) this.#leave(each);
    for (const each of this.#inside) if (Math.abs(now - each.at) > each.stay_ms) this.#leave(each);
  }

  #leave(entry: Entry): void {
    if (this.#inside.delete(entry)) this.#count(entry, -entry.bytes);
    this.#queue.delete(entry);
  }

  #count({ owner }: Entry, bytes: number): void {
    this.#held += bytes;
    if (owner === undefined) return;
    const owned = (this.#owned.get(owner) ?? 0) + bytes;
    if (owned > 0) this.#owned.set(owner, owned);
    else this.#owned.delete(owner);
  }
}

function isShort({ bytes }: Entry): boolean {
  return bytes < SHORT_BYTES;
}

/** Requests to models, answers of sandboxes, batches for D1: each is large for a short time. */
export const workRoom = new Room("work", MODELS_BYTES);

/** Bytes by room. */
export function describeMemory() {
  const kept = rooms.filter((room) => room !== workRoom).map(({ name, held }) => [name, held] as const);
  return {
    kept: Object.fromEntries(kept),
    work: workRoom.held,
    waiting: rooms.reduce((sum, { waiting }) => sum + waiting, 0),
  };
}

interface Held {
  room: Room;
  bytes: number;
}

/** What one object has of a room for as long as it lives: its bytes are given back when it is collected. */
export class Share {
  /** Apart from this object, since it is read when that is gone. */
  readonly #held: Held;

  constructor(room: Room) {
    this.#held = { room, bytes: 0 };
    abandoned.register(this, this.#held);
  }

  get bytes(): number {
    return this.#held.bytes;
  }

  set(bytes: number): void {
    setBytes(this.#held, bytes);
  }
}

const abandoned = new FinalizationRegistry<Held>((held) => setBytes(held, 0));

function setBytes(held: Held, bytes: number): void {
  held.room.add(bytes - held.bytes);
  held.bytes = bytes;
}
