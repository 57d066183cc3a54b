// How a session's token is replaced, with several isolates that share one D1.

import fc from "fast-check";
import { Hono } from "hono";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { makeSession, ofPage, tokenIn } from "../../../test/fakes/session.ts";
import { noSettings } from "../../../test/fakes/settings.ts";
import { openD1, type SqliteD1 } from "../../../test/fakes/sqlite-d1.ts";
import { runCount } from "../../../test/setup/run-count.ts";
import { createAuthenticator, requireKey } from "../auth.ts";
import type { AppEnv } from "../context.ts";
import { answerError } from "../errors.ts";
import { createGuesses } from "../guesses.ts";
import { createSessions, OVERLAP_MS, ROTATE_MS } from "./recognize.ts";

const MINUTE = 60_000;
const begin = Date.parse("2026-11-28T10:00:00.000Z");

type Send = (token: string) => Promise<{ status: number; next: string | null; text: string }>;

/** One isolate of the Worker, with memory of its own. */
function startIsolate(DB: D1Database, now: () => number): { send: Send; settled: () => Promise<unknown> } {
  const app = new Hono<AppEnv>();
  const [authenticator, sessions, guesses] = [createAuthenticator(now), createSessions(now), createGuesses(now)];
  const behind: Promise<unknown>[] = [];
  app.use(async (context, next) => {
    context.set("config", { ...noSettings, admin_api_key: "admin" });
    context.set("authenticator", authenticator);
    context.set("sessions", sessions);
    context.set("guesses", guesses);
    await next();
  });
  app.use(requireKey);
  app.onError((error, context) => answerError(error, context as Parameters<typeof answerError>[1]));
  app.get("/v1/me", (context) => context.text(context.get("caller").key_id));
  const execution = {
    waitUntil: (work: Promise<unknown>) => void behind.push(work),
    passThroughOnException() {},
    props: {},
  };
  return {
    async send(token) {
      const answer = await app.request("http://localhost/v1/me", { headers: ofPage(token) }, { DB }, execution);
      return { status: answer.status, next: tokenIn(answer), text: await answer.text() };
    },
    settled: async () => {
      while (behind.length > 0) await behind.shift();
    },
  };
}

interface World {
  d1: SqliteD1;
  token: string;
  session_id: string;
  pass: (ms: number) => void;
  isolate: ReturnType<typeof startIsolate>;
  other: ReturnType<typeof startIsolate>;
}

async function startWorld(change: (db: D1Database) => D1Database = (db) => db): Promise<World> {
  let time = begin;
  const now = () => time;
  const d1 = openD1();
  const { token, session_id } = await makeSession(d1.binding, { user_id: "user_ada", now: begin });
  const [isolate, other] = [startIsolate(change(d1.binding), now), startIsolate(change(d1.binding), now)];
  const pass = (ms: number): void => {
    time += ms;
  };
  return { d1, token, session_id, pass, isolate, other };
}

const entriesOf = ({ d1 }: World) =>
  d1.read<{ action: string; target: string; outcome: string; details: string }>(
    "SELECT action, target, outcome, details FROM audit_entries",
  );

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

describe("a session's token", () => {
  it("is replaced after an hour of use, and not before", async () => {
    const { isolate, token, pass } = await startWorld();
    expect(await isolate.send(token)).toMatchObject({ status: 200, next: null });
    pass(ROTATE_MS - 1);
    expect(await isolate.send(token)).toMatchObject({ status: 200, next: null });
    pass(1);
    const { status, next } = await isolate.send(token);
    expect([status, next === token, next?.length]).toEqual([200, false, token.length]);
    expect(await isolate.send(next ?? "")).toMatchObject({ status: 200, next: null });
  });

  it("holds until the next one was seen, which each answer brings again, however long that takes", async () => {
    const { isolate, other, token, pass } = await startWorld();
    pass(ROTATE_MS);
    const { next } = await isolate.send(token);
    for (const each of [isolate, other, isolate]) {
      expect(await each.send(token)).toMatchObject({ status: 200, next });
      pass(5 * ROTATE_MS);
    }
    expect(await other.send(next ?? "")).toMatchObject({ status: 200, next: null });
  });

  it("holds for a minute after the next one was seen, and brings it no more", async () => {
    const world = await startWorld();
    const { isolate, other, token, pass } = world;
    pass(ROTATE_MS);
    const { next } = await isolate.send(token);
    await other.send(next ?? "");
    await other.settled();
    pass(OVERLAP_MS);
    expect(await isolate.send(token)).toMatchObject({ status: 200, next: null });
    expect(entriesOf(world)).toEqual([]);
  });

  it("that is used after that was copied: the session ends for everybody, which is recorded", async () => {
    const world = await startWorld();
    const { isolate, other, token, session_id, pass } = world;
    pass(ROTATE_MS);
    const { next } = await isolate.send(token);
    await other.send(next ?? "");
    await other.settled();
    pass(OVERLAP_MS + 1);
    const copied = await isolate.send(token);
    expect([copied.status, copied.text]).toEqual([401, expect.stringContaining("used after it had been replaced")]);
    await isolate.settled();
    pass(10_000);
    for (const each of [isolate, other]) expect((await each.send(next ?? "")).status).toBe(401);
    expect(entriesOf(world)).toEqual([
      {
        action: "session.delete",
        target: session_id,
        outcome: "done",
        details: JSON.stringify({ reason: "copied_cookie" }),
      },
    ]);
  });

  it("of any time before ends the session too", async () => {
    const world = await startWorld();
    const { isolate, token, pass } = world;
    let latest = token;
    for (let hour = 0; hour < 3; hour++) {
      pass(ROTATE_MS);
      latest = (await isolate.send(latest)).next ?? "";
      await isolate.send(latest);
      await isolate.settled();
    }
    expect((await isolate.send(token)).status).toBe(401);
    await isolate.settled();
    expect((await isolate.send(latest)).status).toBe(401);
    expect(entriesOf(world)).toHaveLength(1);
  });

  it("with another secret is a wrong one, and ends nothing", async () => {
    const world = await startWorld();
    const { isolate, token } = world;
    const [id, root, secret] = token.split(".");
    const other = `${"0".repeat(63)}1`;
    for (const wrong of [
      `${id}.${other}.${secret}`,
      `${id}.${other}.${other}`,
      `sess_${"0".repeat(26)}.${root}.${secret}`,
    ]) {
      expect((await isolate.send(wrong)).status).toBe(401);
    }
    expect((await isolate.send(token)).status).toBe(200);
    expect(entriesOf(world)).toEqual([]);
  });

  it("continues while D1 can't replace it, and is neither wrong nor copied while D1 can't say", async () => {
    const away = { is: false };
    const world = await startWorld((db) => whileNot(away, db));
    const { isolate, other, token, pass } = world;
    await other.send(token);
    pass(ROTATE_MS - 1);
    expect((await isolate.send(token)).status).toBe(200);
    expect((await other.send(token)).status).toBe(200);
    away.is = true;
    pass(1);
    expect(await isolate.send(token)).toMatchObject({ status: 200, next: null });
    away.is = false;
    const { next } = await isolate.send(token);
    away.is = true;
    // This isolate remembers the former token only.
    expect((await other.send(next ?? "")).status).toBe(500);
    away.is = false;
    expect((await other.send(next ?? "")).status).toBe(200);
    expect(entriesOf(world)).toEqual([]);
  });

  it("expires with its session, to the millisecond", async () => {
    const { isolate, token, pass } = await startWorld();
    pass(24 * ROTATE_MS - 1);
    expect((await isolate.send(token)).status).toBe(200);
    pass(1);
    const late = await isolate.send(token);
    expect([late.status, late.text]).toEqual([401, expect.stringContaining("The session expired at 2026-11-29T10:00")]);
  });
});

/** D1, whose statements fail while it is away. */
function whileNot(away: { is: boolean }, db: D1Database): D1Database {
  return deferred(db, async () => {
    if (away.is) throw new Error("D1 is away");
  });
}

/** D1, whose statements wait for `before` each. */
function deferred(db: D1Database, before: () => Promise<unknown>): D1Database {
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(statement, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (name === "bind") return (...values: unknown[]) => wrap(target.bind(...values));
        if (typeof value !== "function") return value;
        return async (...given: unknown[]) => {
          await before();
          return value.apply(target, given);
        };
      },
    });
  return { ...db, prepare: (query: string) => wrap(db.prepare(query)), batch: db.batch.bind(db) } as D1Database;
}

interface Burst {
  /** What passed since the last one. */
  gap: number;
  requests: { isOther: boolean; isLost: boolean }[];
}

const bursts = fc.array(
  fc.record<Burst>({
    gap: fc.constantFrom(0, 1_000, 30_000, MINUTE, 11 * MINUTE, 59 * MINUTE, 60 * MINUTE, 61 * MINUTE, 150 * MINUTE),
    requests: fc.array(fc.record({ isOther: fc.boolean(), isLost: fc.boolean() }), { minLength: 1, maxLength: 5 }),
  }),
  { minLength: 1, maxLength: 8 },
);

describe("a browser", () => {
  it("is never signed out, in whatever order isolates and D1 work and however many answers are lost", () =>
    fc.assert(
      fc.asyncProperty(bursts, fc.scheduler(), async (given, scheduler) => {
        const world = await startWorld((db) => deferred(db, () => scheduler.schedule(Promise.resolve(), "D1")));
        let [jar, replaced, total] = [world.token, 0, 0];
        for (const { gap, requests } of given) {
          world.pass(Math.min(gap, 24 * ROTATE_MS - 1 - total));
          total = Math.min(total + gap, 24 * ROTATE_MS - 1);
          const asked = requests.map(async ({ isOther, isLost }) => {
            await scheduler.schedule(Promise.resolve(), "the browser asks");
            const { status, next, text } = await (isOther ? world.other : world.isolate).send(jar);
            await scheduler.schedule(Promise.resolve(), "the answer arrives");
            if (!isLost && next !== null) {
              replaced += jar === next ? 0 : 1;
              jar = next;
            }
            return status === 200 ? [] : [text];
          });
          const behind = Promise.all(asked).then(async (refused) => {
            await Promise.all([world.isolate.settled(), world.other.settled()]);
            return refused.flat();
          });
          expect(await scheduler.waitFor(behind)).toEqual([]);
        }
        expect(entriesOf(world)).toEqual([]);
        const useful = given
          .slice(1)
          .filter(({ gap, requests }) => gap >= 61 * MINUTE && requests.some((each) => !each.isLost));
        if (total < 24 * ROTATE_MS - 1 && given.every(({ requests }) => requests.every(({ isLost }) => !isLost))) {
          expect(replaced).toBeGreaterThanOrEqual(Math.min(1, useful.length));
        }
      }),
      { numRuns: runCount(150) },
    ));
});
