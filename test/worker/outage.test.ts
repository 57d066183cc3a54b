// What a thread asks and writes while D1 or the queue is away and its object is taken out of memory between any two alarms:
// on workerd's own storage and alarms, with lives that really end. Only the time of day is the test's.
import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ThreadObject } from "../../src/thread/object.ts";
import { type Fault, killObject, objectOf } from "./faulty-object.ts";
import { messagesOf, type ThreadClient, threadClient } from "./thread-client.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const patient = { timeout: 120_000 };

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
  // No alarm of the platform comes in the test's future: the test fires each itself.
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + DAY });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

interface Counts {
  tries: number;
  alarms: number;
  rows: number;
}

/** A thread whose lives each end after what they were asked for, and what they did. */
function sleepingThread(client: ThreadClient) {
  const faults: { d1: Fault; queue: Fault } = { d1: "none", queue: "none" };
  const counts = { tries: 0, jobs: 0, alarms: 0, rows: 0 };
  const batches: D1PreparedStatement[][] = [];
  const DB = new Proxy(env.DB, {
    get: (target, name) => {
      if (name === "batch") {
        return async (statements: D1PreparedStatement[]) => {
          counts.tries += 1;
          if (faults.d1 === "hangs") return new Promise(() => {});
          if (faults.d1 === "rejects") throw new Error("D1 is down");
          batches.push(statements);
          return await target.batch(statements);
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const JOBS = {
    send: async () => {
      counts.jobs += 1;
      if (faults.queue === "rejects") throw new Error("the queue is down");
    },
  };
  /** One life, which ends with the work unless it is patient. Returns when the next one is due. */
  const live = async (work: (object: ThreadObject) => Promise<unknown>): Promise<number | null> => {
    const due = await runInDurableObject(objectOf(client.key), async (_instance, state) => {
      const behind: Promise<unknown>[] = [];
      const { storage } = state;
      const { sql } = storage;
      const [setAlarm, exec] = [storage.setAlarm.bind(storage), sql.exec.bind(sql)];
      Object.defineProperties(state, {
        waitUntil: { configurable: true, value: (promise: Promise<unknown>) => void behind.push(promise) },
      });
      Object.defineProperties(storage, {
        setAlarm: {
          configurable: true,
          value: (at: number) => {
            counts.alarms += 1;
            return setAlarm(at);
          },
        },
        sql: {
          configurable: true,
          value: new Proxy(sql, {
            get: (target, name) => {
              if (name !== "exec") return Reflect.get(target, name) as unknown;
              return (query: string, ...values: never[]) => {
                const cursor = exec(query, ...values);
                counts.rows += cursor.rowsWritten;
                return cursor;
              };
            },
          }),
        },
      });
      const object = new ThreadObject(state as never, { ...env, DB, JOBS } as never);
      await work(object);
      if (faults.d1 !== "hangs") while (behind.length > 0) await behind.shift()?.catch(() => {});
      return await storage.getAlarm();
    });
    await killObject(client.key);
    return due;
  };
  const alarmAt = () => runInDurableObject(objectOf(client.key), (_instance, { storage }) => storage.getAlarm());
  /** Fires each alarm in its time, in a life of its own. */
  const sleep = async (ms: number): Promise<Counts> => {
    const before = { ...counts };
    const until = Date.now() + ms;
    for (let at = await alarmAt(); at !== null && at <= until; at = await alarmAt()) {
      vi.setSystemTime(Math.max(Date.now(), at));
      // As the platform does before it calls the handler.
      await live(async (object) => {
        await runInDurableObject(objectOf(client.key), (_instance, { storage }) => storage.deleteAlarm());
        await object.alarm();
      });
    }
    vi.setSystemTime(until);
    return {
      tries: counts.tries - before.tries + counts.jobs - before.jobs,
      alarms: counts.alarms - before.alarms,
      rows: counts.rows - before.rows,
    };
  };
  const run = async (words: string) => {
    const input = client.input(words);
    await live(async (object) => {
      expect((await object.accept(input)).ok).toBe(true);
      const ended = await object.waitForEnd(client.key, input.invocation_id, 20_000);
      expect(ended).toMatchObject({ ok: true, value: { status: "completed" } });
    });
  };
  const backOff = () =>
    runInDurableObject(objectOf(client.key), (_instance, { storage }) => {
      const [row] = storage.sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = 'back_off'").toArray();
      return row === undefined ? null : (JSON.parse(row.value) as { failures: number; retry_at: number });
    });
  return { client, faults, counts, batches, live, sleep, run, backOff };
}

describe("a thread whose object is evicted between any two alarms", patient, () => {
  it.each<Fault>(["rejects", "hangs"])(
    "asks D1, which %s, a dozen times in ten minutes and a handful a day",
    async (fault) => {
      const { faults, sleep, run } = sleepingThread(threadClient());
      await run("[[text one]]");
      await sleep(5 * MINUTE);
      faults.d1 = "rejects";
      await run("[[text two]]");
      // Each life ends in the middle of its try.
      faults.d1 = fault;
      const minutes = await sleep(10 * MINUTE);
      const first = await sleep(DAY - 10 * MINUTE);
      const later = await sleep(DAY);
      expect(minutes.tries).toBeLessThanOrEqual(12);
      expect(later.tries).toBeGreaterThanOrEqual(4);
      for (const { tries, alarms, rows } of [minutes, first, later]) {
        expect(tries).toBeLessThanOrEqual(14);
        expect(rows + alarms).toBeLessThanOrEqual(3 * tries);
      }
    },
  );

  it("works at once for a person who comes back during the outage, and asks no more often for it", async () => {
    const { faults, sleep, run, backOff } = sleepingThread(threadClient());
    faults.d1 = "rejects";
    await run("[[text one]]");
    await sleep(DAY);
    const before = await backOff();
    for (let turn = 0; turn < 3; turn++) await run("[[text again]]");
    const after = await backOff();
    expect(after?.failures).toBe(before?.failures);
    expect((after?.retry_at ?? 0) - Date.now()).toBeLessThanOrEqual(10 * MINUTE);
    const day = await sleep(DAY);
    expect(day.tries).toBeLessThanOrEqual(9);
  });

  it.each([10 * MINUTE, DAY])("has sent everything once and in order after D1 was away for %i ms", async (ms) => {
    const { client, faults, batches, sleep, run, backOff, counts } = sleepingThread(threadClient());
    faults.d1 = "rejects";
    for (const words of ["[[text one]]", "[[text two]]", "[[text three]]"]) await run(words);
    await sleep(ms);
    faults.d1 = "none";
    const before = counts.tries;
    await sleep(Math.min(ms, 6 * HOUR) + 10 * MINUTE);
    expect(await backOff()).toBeNull();
    expect(batches).toHaveLength(1);
    expect(counts.tries - before).toBe(1);
    const rows = await messagesOf(client.key);
    const said = rows.map(({ seq, content }) => [seq, (content as { content: string }).content]);
    expect(said.map(([, text]) => text)).toEqual([
      ...["[[text one]]", "one", "[[text two]]", "two", "[[text three]]", "three"],
    ]);
    expect(said.map(([seq]) => seq)).toEqual([...said].map(([seq]) => seq).toSorted((a, b) => Number(a) - Number(b)));
    expect(await sleep(30 * DAY)).toEqual({ tries: 0, alarms: 0, rows: 0 });
  });

  it("has the job of a background run sent a handful of times while the queue is away, and then starts it", async () => {
    const { client, faults, live, sleep, counts } = sleepingThread(threadClient());
    faults.queue = "rejects";
    const input = client.input("[[text done]]", { background: true });
    await live((object) => object.accept(input));
    const before = counts.jobs;
    const hour = await sleep(HOUR);
    expect(counts.jobs - before).toBeLessThanOrEqual(8);
    expect(hour.alarms).toBeLessThanOrEqual(12);
    await sleep(25 * MINUTE);
    await live((object) => object.waitForEnd(client.key, input.invocation_id, 20_000));
    await live(async (object) => {
      expect(await object.getRun(client.key, input.invocation_id)).toMatchObject({ value: { status: "completed" } });
    });
  });
});
