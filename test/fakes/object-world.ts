// The platform of one thread's object, for the real object in Node: its storage and alarm outlive its lives, its
// requests to the outside wait until the test settles them, and a life can end anywhere, even within a transaction. The
// test drives everything: between two of its steps only promises settle.
import type { Env } from "../../src/config.ts";
import type { ThreadApi } from "../../src/protocol/thread.ts";
import type { Database, Sql, SqlValue } from "../../src/thread/rows/database.ts";
import { openEmptyDatabase } from "./sqlite-database.ts";
import { FakeClock, settle } from "./stream.ts";

/** The object as its platform calls it. */
export type HostedObject = ThreadApi & { fetch(request: Request): Promise<Response>; alarm(): Promise<void> };

export type MakeObject = (ctx: DurableObjectState, env: Env) => HostedObject;

/** One life. */
export interface Pulse {
  alive: boolean;
  died: Promise<void>;
  die(): void;
}

/** How a request to the outside ends: `lost` is done, and the answer does not arrive. */
export type Ending = "ok" | "fail" | "lost";

export interface Outside {
  kind: string;
  pulse: Pulse;
  settle(ending: Ending): Promise<void>;
}

/** `lost`: the life ended before it answered. */
export type Answer<T> = { kind: "answered"; value: T } | { kind: "threw"; error: unknown } | { kind: "lost" };

type Death = { in: number; when: "before" | "after" | "instead" };

/** The error that stops whoever still works for an ended life. */
export const LIFE_ENDED = "this life has ended";
const DISK_FAILURE = "the disk is full";

const ALARM_RETRY_MS = 2_000;

/** The life whose event is being delivered: a stream that it opens is its own. */
let calling: Pulse | null = null;

/** The platform's stream, of one life: after that life has ended, none of its writes ever resolves. */
export class LifeStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: Pick<WritableStream<Uint8Array>, "getWriter">;

  constructor() {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const pulse = calling;
    const whileAlive = (work: Promise<void>): Promise<void> =>
      new Promise((resolve, reject) => {
        work.then(
          () => pulse?.alive && resolve(),
          (error: unknown) => pulse?.alive && reject(error),
        );
      });
    this.readable = readable;
    this.writable = {
      getWriter: () => {
        const writer = writable.getWriter();
        writer.closed.catch(() => {});
        return {
          closed: whileAlive(writer.closed),
          write: (bytes: Uint8Array) => whileAlive(writer.write(bytes)),
          close: () => whileAlive(writer.close()),
          abort: (reason: unknown) => whileAlive(writer.abort(reason)),
        } as unknown as WritableStreamDefaultWriter<Uint8Array>;
      },
    };
  }
}

export class ObjectWorld {
  readonly clock = new FakeClock();
  readonly database = openEmptyDatabase();
  /** Pending requests to the outside. */
  readonly outside: Outside[] = [];
  /** Errors of work in living lives that nobody awaits. */
  readonly failures: unknown[] = [];
  readonly aborts: string[] = [];
  lives = 0;
  /** Events that are not answered yet. */
  calls = 0;
  /** A life ends, or its disk fails, at a future transaction. */
  death: Death | null = null;
  alarmAt: number | null = null;
  /** Called after each committed transaction. */
  onCommit: () => void = () => {};
  /** Called when the object clears its storage. */
  onClear: () => void = () => {};
  readonly #make: MakeObject;
  readonly #env: (pulse: Pulse) => Env;
  #life: { object: HostedObject; pulse: Pulse } | null = null;
  #inTransaction = false;

  constructor(make: MakeObject, env: (pulse: Pulse) => Env) {
    this.#make = make;
    this.#env = env;
  }

  /** An event for the object, which wakes it; answered unless its life ends first. */
  async call<T>(event: (object: HostedObject, pulse: Pulse) => Promise<T>): Promise<Answer<T>> {
    const life = this.#wake();
    if (life === null) return { kind: "lost" };
    const { object, pulse } = life;
    this.calls += 1;
    calling = pulse;
    const answered = event(object, pulse).then(
      (value): Answer<T> => ({ kind: "answered", value }),
      // A disk that was full a moment ago is a reason to retry, like the end of a life.
      (error: unknown): Answer<T> => (isDiskFailure(error) ? { kind: "lost" } : { kind: "threw", error }),
    );
    const answer = await Promise.race([answered, pulse.died.then((): Answer<T> => ({ kind: "lost" }))]);
    this.calls -= 1;
    // Behind the output gate: what a life sends after its end never arrives.
    return pulse.alive ? answer : { kind: "lost" };
  }

  crash(): void {
    this.#life?.pulse.die();
  }

  /** A request of the object to the outside: `effect` happens when the test says so, even in a later life. */
  ask<T>(kind: string, pulse: Pulse, effect: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    check(pulse);
    return new Promise((resolve, reject) => {
      const outside: Outside = {
        kind,
        pulse,
        settle: async (ending) => {
          this.#forget(outside);
          if (ending === "fail") return reject(new Error(`${kind} failed`));
          try {
            const value = await effect();
            if (ending === "lost") reject(new Error(`${kind} failed after it was done`));
            else if (pulse.alive) resolve(value);
          } catch (error) {
            reject(error);
          }
        },
      };
      this.outside.push(outside);
      signal?.addEventListener("abort", () => {
        this.#forget(outside);
        reject(new DOMException("aborted", "AbortError"));
      });
    });
  }

  /** Rows of the object's storage; none where the table does not exist. */
  read<Row extends Record<string, SqlValue>>(table: string, query: string): Row[] {
    const { sql } = this.database;
    const named = sql.exec("SELECT name FROM sqlite_master WHERE name = ?", table).toArray();
    return named.length === 0 ? [] : sql.exec<Row>(query).toArray();
  }

  /** Moves time on; the alarm goes off where it is due. */
  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settle();
    if (this.alarmAt === null || this.alarmAt > this.clock.now()) return;
    void this.fireAlarm();
    await settle();
  }

  async fireAlarm(): Promise<void> {
    this.alarmAt = null;
    const answer = await this.call((object) => object.alarm());
    if (answer.kind !== "answered") this.alarmAt ??= this.clock.now() + ALARM_RETRY_MS;
  }

  #forget(outside: Outside): void {
    const place = this.outside.indexOf(outside);
    if (place >= 0) this.outside.splice(place, 1);
  }

  /** Null where the life ended while it woke: the next event starts another. */
  #wake(): { object: HostedObject; pulse: Pulse } | null {
    if (this.#life !== null) return this.#life;
    const pulse = this.#makePulse();
    this.lives += 1;
    try {
      const life = { object: this.#make(this.#context(pulse), this.#env(pulse)), pulse };
      if (pulse.alive) this.#life = life;
    } catch (error) {
      if (pulse.alive && !isDiskFailure(error)) throw error;
    }
    return this.#life;
  }

  #makePulse(): Pulse {
    let notify = () => {};
    const died = new Promise<void>((resolve) => {
      notify = resolve;
    });
    const pulse: Pulse = {
      alive: true,
      died,
      die: () => {
        pulse.alive = false;
        if (this.#life?.pulse === pulse) this.#life = null;
        notify();
      },
    };
    return pulse;
  }

  #context(pulse: Pulse): DurableObjectState {
    const context = {
      storage: {
        sql: this.#sqlOf(pulse),
        transactionSync: <T>(change: () => T) => this.#transact(pulse, change),
        setAlarm: async (at: number) => {
          check(pulse);
          this.alarmAt = at;
        },
        getAlarm: async () => this.alarmAt,
        deleteAlarm: async () => {
          check(pulse);
          this.alarmAt = null;
        },
        deleteAll: async () => {
          check(pulse);
          this.#clear();
        },
      },
      waitUntil: (promise: Promise<unknown>) => {
        promise.catch((error: unknown) => {
          if (pulse.alive) this.failures.push(error);
        });
      },
      abort: (reason: string) => {
        if (pulse.alive) this.aborts.push(reason);
        pulse.die();
      },
    };
    return context as unknown as DurableObjectState;
  }

  #sqlOf(pulse: Pulse): Sql {
    return {
      exec: (query, ...bindings) => {
        check(pulse);
        return this.database.sql.exec(query, ...bindings);
      },
    };
  }

  #transact<T>(pulse: Pulse, change: () => T): T {
    check(pulse);
    const { transaction }: Database = this.database;
    if (this.#inTransaction) return transaction(change);
    const commit = (): T => {
      this.#inTransaction = true;
      try {
        return transaction(change);
      } finally {
        this.#inTransaction = false;
      }
    };
    if (this.death === null || --this.death.in > 0) {
      const value = commit();
      this.onCommit();
      return value;
    }
    const { when } = this.death;
    this.death = null;
    if (when === "after") {
      commit();
      this.onCommit();
    }
    if (when === "instead") throw new Error(DISK_FAILURE);
    pulse.die();
    throw new Error(LIFE_ENDED);
  }

  #clear(): void {
    const named = this.database.sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'");
    for (const { name } of named.toArray()) this.database.sql.exec(`DELETE FROM ${name}`);
    this.onClear();
  }
}

function check(pulse: Pulse): void {
  if (!pulse.alive) throw new Error(LIFE_ENDED);
}

function isDiskFailure(error: unknown): boolean {
  return error instanceof Error && error.message === DISK_FAILURE;
}
