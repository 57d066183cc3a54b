// Where the objects of threads are. workerd has no jurisdictions, so which namespace is asked is seen at the namespace,
// and what the deployment remembers in D1.
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { configOf, type Env } from "../../src/config.ts";
import { ThreadObject } from "../../src/thread/object.ts";
import * as place from "../../src/thread/place.ts";
import { threadStub } from "../../src/thread/stub.ts";

const key = { user_id: "user_a", thread_id: "t" };

/** A namespace that notes what it is asked. */
function noteNamespace(): { asked: unknown[]; namespace: Env["THREADS"] } {
  const asked: unknown[] = [];
  const namespace = {
    jurisdiction: (name: string) => {
      asked.push(["jurisdiction", name]);
      return namespace;
    },
    idFromName: (name: string) => name,
    get: (id: string, options: unknown) => {
      asked.push(["get", id, options]);
      return {};
    },
  };
  return { asked, namespace: namespace as never };
}

function askedWith(settings: Partial<Env>): unknown[] {
  const { asked, namespace } = noteNamespace();
  threadStub({ ...env, ...settings, THREADS: namespace }, key);
  return asked;
}

describe("the namespace of threads", () => {
  it("is asked for a jurisdiction only where one is set", () => {
    expect(askedWith({})).toEqual([["get", "user_a/t", undefined]]);
    expect(askedWith({ JURISDICTION: "eu" })).toEqual([
      ["jurisdiction", "eu"],
      ["get", "user_a/t", undefined],
    ]);
  });

  it("gets the hint with each object", () => {
    expect(askedWith({ LOCATION_HINT: "weur" })).toEqual([["get", "user_a/t", { locationHint: "weur" }]]);
  });
});

/** A new isolate's settings. */
const isolate = (settings: Partial<Env> = {}): Env => ({ ...env, ...settings });
const findMisplacement = (own: Env, makes?: boolean) => place.findMisplacement(configOf(own), own.DB, makes);
const checkPlace = (own: Env, makes?: boolean) => place.checkPlace(configOf(own), own.DB, makes);
const eu = { JURISDICTION: "eu" };

describe("an object that has no thread, while D1 can't say whether it is the right one,", () => {
  it("does not say so to whoever would end or delete in D1 what it lacks", async () => {
    const key = { user_id: "user_misplaced", thread_id: "thread-001" };
    const stub = env.THREADS.get(env.THREADS.idFromName("user_misplaced/thread-001")) as unknown as DurableObjectStub;
    await runInDurableObject(stub, async (_instance, state) => {
      const DB = { prepare: () => ({ bind: () => ({ first: () => Promise.reject(new Error("D1 is away")) }) }) };
      const object = new ThreadObject(state, { ...env, DB, JURISDICTION: "eu" } as never);
      const before = new Date().toISOString();
      await expect(object.resumeStaleRuns(key, ["inv"])).rejects.toThrow("away");
      await expect(object.expire(key, before, Date.now())).rejects.toThrow("away");
      await expect(object.closeLeases(key, ["lease"])).rejects.toThrow("away");
      await expect(object.remove(key, "request")).rejects.toThrow("away");
      expect(await object.readThread(key)).toMatchObject({ ok: false, error: { code: "not_found" } });
    });
  });
});

describe("a deployment", () => {
  beforeEach(async () => {
    await env.DB.batch(["DELETE FROM deployment", "DELETE FROM threads"].map((sql) => env.DB.prepare(sql)));
  });

  it("may choose a jurisdiction until its first thread is made, and remembers it from then on", async () => {
    expect(await findMisplacement(isolate(eu))).toBeNull();
    expect(await findMisplacement(isolate({ JURISDICTION: "us" }))).toBeNull();
    expect(await findMisplacement(isolate(eu), true)).toBeNull();
    expect(await findMisplacement(isolate(eu), true)).toBeNull();
    for (const makes of [false, true]) {
      expect(await findMisplacement(isolate({ JURISDICTION: "us" }), makes)).toMatch(
        /is "us".*began with "eu".*Set it to "eu"/,
      );
      expect(await findMisplacement(isolate(), makes)).toMatch(/is not set.*began with "eu"/);
    }
  });

  it("that has begun without one continues so, whatever is set later", async () => {
    expect(await findMisplacement(isolate(), true)).toBeNull();
    for (const makes of [false, true, false])
      expect(await findMisplacement(isolate(eu), makes)).toMatch(/is "eu".*began without one.*Remove it/);
    expect(await findMisplacement(isolate(), true)).toBeNull();
  });

  it("begins in one place, though two with one database make their first threads at once, and in either order", async () => {
    for (const settings of [
      [isolate(eu), isolate()],
      [isolate(), isolate(eu)],
    ]) {
      await env.DB.prepare("DELETE FROM deployment").run();
      const found = await Promise.all(settings.map((own) => findMisplacement(own, true)));
      expect(found.filter((words) => words === null)).toHaveLength(1);
      // As in their next isolates, where the loser must not end or delete what it can't see, and the way back works.
      for (const [place, words] of found.entries()) {
        const again = { ...settings[place] } as Env;
        for (const makes of [false, true]) expect(await findMisplacement(again, makes)).toEqual(words);
      }
    }
  });

  it("may still choose after an input that was refused, which makes no thread", async () => {
    expect(await findMisplacement(isolate(), false)).toBeNull();
    expect(await findMisplacement(isolate(eu), true)).toBeNull();
  });

  it("asks D1 once in an isolate's life, and continues while D1 fails", async () => {
    for (const makes of [false, true]) {
      let asked = 0;
      const ask = <Value>(value: Value): Value => {
        asked += 1;
        return value;
      };
      const DB = {
        prepare: (sql: string) => env.DB.prepare(makes ? sql : ask(sql)),
        batch: (statements: D1PreparedStatement[]) => env.DB.batch(ask(statements)),
      } as D1Database;
      const usual = isolate({ DB });
      for (let times = 0; times < 3; times++) expect(await checkPlace(usual, makes)).toBeNull();
      expect(asked).toBe(1);
    }
    const failing = { prepare: () => ({ bind: () => ({ first: () => Promise.reject(new Error("away")) }) }) };
    expect(await checkPlace(isolate({ DB: failing as never }))).toBeNull();
    // Whoever ends or deletes what has no object may not guess.
    const unsure = isolate({ DB: failing as never });
    await expect(place.requirePlace(configOf(unsure), unsure.DB)).rejects.toThrow("away");
  });

  it("makes no thread with a place that does not exist", async () => {
    expect(await checkPlace(isolate({ JURISDICTION: "europe" }), true)).toMatchObject({
      error: { code: "not_configured", detail: expect.stringContaining("JURISDICTION must be one of eu, us") },
    });
  });
});
