// Lists that are read near the reader: only who says up to which state it has seen is answered by a copy of D1.
import { env } from "cloudflare:test";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { countedTrips } from "./counted-trips.ts";
import { ADMIN_KEY } from "./http-client.ts";
import { createWalker, type Walker } from "./walk/walker.ts";

const counted = countedTrips();
let walker: Walker;
let key: string;
const ask = (method: string, path: string, bookmark?: string, body?: unknown) =>
  walker.send({ method, path, body, headers: bookmark === undefined ? {} : { "taskloom-bookmark": bookmark } }, key);
const bookmarkOf = ({ headers }: { headers: Headers }) => headers.get("taskloom-bookmark");

beforeAll(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  walker = await createWalker({ DB: counted.db });
  const made = await walker.send({ method: "POST", path: "/v1/users", body: { user_id: "user_near" } }, ADMIN_KEY);
  key = String(made.body.api_key);
});

describe("a list", () => {
  it("is read from the primary for whoever does not ask otherwise, and answers no bookmark", async () => {
    const session = vi.spyOn(env.DB, "withSession");
    const listed = await ask("GET", "/v1/projects");
    expect([listed.status, bookmarkOf(listed), session.mock.calls.length]).toEqual([200, null, 0]);
    session.mockRestore();
  });

  it("begins at the primary with `first`, so that it shows what was just made", async () => {
    for (const name of ["one", "two"]) {
      await ask("POST", "/v1/projects", undefined, { name });
      const near = counted.countNear();
      const listed = await ask("GET", "/v1/projects", "first");
      expect(listed.body.data?.[0]).toMatchObject({ name });
      expect(bookmarkOf(listed)).toMatch(/^[0-9a-f-]+$/);
      expect(counted.countNear()).toBe(near);
    }
  });

  it("continues from a bookmark near the reader, while keys are read from the primary", async () => {
    const bookmark = bookmarkOf(await ask("GET", "/v1/agents", "first")) ?? "";
    const other = await createWalker({ DB: counted.db });
    const [trips, near] = [counted.count(), counted.countNear()];
    const headers = { "taskloom-bookmark": bookmark };
    const listed = await other.send({ method: "GET", path: "/v1/agents", headers }, key);
    await other.settled();
    expect(bookmarkOf(listed)).not.toBeNull();
    // The key, and that it was used.
    expect(counted.countNear() - near).toBe(1);
    expect(counted.count() - trips).toBeGreaterThanOrEqual(2);
  });

  it("refuses what is no bookmark, and answers none to whoever changes something", async () => {
    for (const wrong of ["first-unconstrained", "x y", "a".repeat(300)]) {
      expect((await ask("GET", "/v1/threads", wrong)).status).toBe(400);
    }
    expect(bookmarkOf(await ask("POST", "/v1/projects", "first", { name: "three" }))).toBeNull();
  });

  it.each(["refuses", "never reaches"])("comes from the primary where D1 %s the bookmark", async (how) => {
    await ask("POST", "/v1/projects", undefined, { name: "seen all the same" });
    const foreign = "ffffffff-ffffffff-00005000-ffffffffffffffffffffffffffffffff";
    const fails =
      how === "refuses" ? () => Promise.reject(new Error("D1_ERROR: bad bookmark")) : () => new Promise(() => {});
    const failing = { bind: () => failing, all: fails, raw: fails, first: fails, run: fails };
    const near = { prepare: () => failing, batch: fails, getBookmark: () => null };
    const db = new Proxy(env.DB, {
      get(target, name) {
        if (name === "withSession") return (from: string) => (from === foreign ? near : target.withSession(from));
        const value = Reflect.get(target, name, target) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const other = await createWalker({ DB: db });
    const headers = { "taskloom-bookmark": foreign };
    const listed = await other.send({ method: "GET", path: "/v1/projects", headers }, key);
    expect(listed.status).toBe(200);
    expect(listed.body.data?.[0]).toMatchObject({ name: "seen all the same" });
    expect(bookmarkOf(listed)).toMatch(/^[0-9a-f-]+$/);
    expect(bookmarkOf(listed)).not.toBe(foreign);
  });
});
