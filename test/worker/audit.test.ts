// The audit itself: who reads what of it, how it is kept, and what happens if it can't be written.
import { createExecutionContext, env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app.ts";
import type { Env } from "../../src/config.ts";
import { mintApiKey } from "../../src/http/api-key.ts";
import { firstIdAt, newId } from "../../src/protocol/ids.ts";
import type { Scope } from "../../src/protocol/keys/scope.ts";
import { createApiKey } from "../../src/store/api-keys.ts";
import { type AuditFilter, deleteAuditEntries, listAuditEntries } from "../../src/store/people/audit.ts";
import { sweepAudit } from "../../src/sweeps.ts";
import { ADMIN_KEY, type Client, createClient } from "./http-client.ts";

const DAY = 24 * 3_600_000;
let logged: Record<string, unknown>[] = [];

beforeEach(() => {
  logged = [];
  const log = (line: unknown) => void logged.push(JSON.parse(String(line)));
  vi.spyOn(console, "warn").mockImplementation(log);
  vi.spyOn(console, "error").mockImplementation(log);
});
afterEach(() => vi.restoreAllMocks());

interface Stored {
  user_id: string;
  entry_id: string;
  action: string;
  target: string | null;
  outcome: string | null;
  source: string;
  details: string;
}

async function entriesOf(user_id: string): Promise<Stored[]> {
  const query = "SELECT * FROM audit_entries WHERE user_id = ? ORDER BY entry_id";
  return (await env.DB.prepare(query).bind(user_id).all<Stored>()).results;
}

/** Entries of any age, as nobody can make them by the API. */
async function insert(user_id: string, at: number, count: number, more: { action?: string; key_id?: string } = {}) {
  const { action = "webhook.create", key_id = "key_1" } = more;
  const statement = env.DB.prepare(
    "INSERT INTO audit_entries SELECT ?1, value, ?2, ?1, ?3, ?4, 'target', 'done', ?5, '{}' FROM json_each(?6)",
  );
  const source = JSON.stringify({ type: "server" });
  for (let left = count; left > 0; left -= 5_000) {
    const ids = Array.from({ length: Math.min(left, 5_000) }, () => newId("aud", at));
    await statement.bind(user_id, new Date(at).toISOString(), key_id, action, source, JSON.stringify(ids)).run();
  }
}

async function keyWith(client: Client, user_id: string, scopes: Scope[] | null): Promise<Client> {
  const { key, stored } = await mintApiKey({ name: null, made_by: "admin_key", scopes }, Date.now());
  await createApiKey(env.DB, user_id, stored);
  return client.as(key);
}

const path = "/v1/audit";

describe("GET /v1/audit", () => {
  it("answers a user's own entries, and all to an admin", async () => {
    const admin = createClient();
    const [ada, bob] = [await admin.addUser("user_reads"), await admin.addUser("user_other")];
    await ada.send("POST", "/v1/api-keys", { scopes: ["read"] });
    await bob.send("DELETE", "/v1/webhooks/nothing");
    const own = await ada.send("GET", path);
    expect(own.body.data).toMatchObject([
      {
        action: "api_key.create",
        user_id: "user_reads",
        actor_id: "user_reads",
        outcome: "done",
        details: { scopes: "read" },
      },
      {
        action: "user.create",
        user_id: "user_reads",
        actor_id: "user_first",
        key_id: "admin_key",
        target: "user_reads",
      },
    ]);
    expect((await ada.send("GET", `${path}?user_id=user_reads`)).text).toBe(own.text);
    const of = (user_id: string) => ({
      status: 404,
      body: { code: "not_found", detail: expect.stringContaining(user_id) },
    });
    for (const user_id of ["user_other", "user_nobody"])
      expect(await ada.send("GET", `${path}?user_id=${user_id}`)).toMatchObject(of(user_id));
    const others = await admin.send("GET", `${path}?user_id=user_other`);
    expect(others.body.data?.[0]).toMatchObject({
      action: "webhook.delete",
      outcome: "refused",
      details: { code: "not_found" },
    });
    const users = (await admin.send("GET", `${path}?limit=200`)).body.data?.map(({ user_id }) => user_id);
    expect(users).toEqual(expect.arrayContaining(["user_reads", "user_other"]));
  });

  it("needs `write` for one's own and `admin` for others'", async () => {
    const admin = createClient();
    await admin.addUser("user_scoped_audit");
    const ask = async (scopes: Scope[] | null, more = "") =>
      (await (await keyWith(admin, "user_scoped_audit", scopes)).send("GET", `${path}${more}`)).status;
    expect(await Promise.all([ask(["read"]), ask(["run"]), ask(["write"]), ask(null), ask(["admin"])])).toEqual([
      403, 403, 200, 200, 200,
    ]);
    expect(await ask(["admin"], "?user_id=user_first")).toBe(200);
    expect(await ask(["write"], "?user_id=user_first")).toBe(404);
  });

  it("does not show a user from where an admin acted", async () => {
    const admin = createClient();
    const headers = { "cf-connecting-ip": "203.0.113.77", "user-agent": "admins-own-browser" };
    const made = await admin.send("POST", "/v1/users", { user_id: "user_shielded" }, headers);
    const seen = await admin.as(String(made.body.api_key)).send("GET", path);
    expect(seen.body.data).toMatchObject([
      { actor_id: "user_first", source: { type: "http", address: null, user_agent: null } },
    ]);
    const all = await admin.send("GET", `${path}?user_id=user_shielded`);
    expect(all.body.data).toMatchObject([{ source: { address: "203.0.113.77", user_agent: "admins-own-browser" } }]);
  });

  it("filters by action, actor, key and time, and refuses what is none", async () => {
    const ada = await createClient().addUser("user_filters");
    const at = Date.parse("2026-01-01T00:00:00.000Z");
    await insert("user_filters", at, 3, { action: "trigger.create", key_id: "key_a" });
    await insert("user_filters", at + DAY, 2, { action: "webhook.create", key_id: "key_b" });
    const count = async (query: string) => (await ada.send("GET", `${path}?${query}`)).body.data?.length;
    expect(await count("action=trigger.create")).toBe(3);
    expect(await count("key_id=key_b")).toBe(2);
    expect(await count("actor_id=user_filters")).toBe(5);
    expect(await count("until=2026-01-02T00:00:00Z")).toBe(3);
    expect(await count("since=2026-01-02T00:00:00Z&until=2026-01-03T00:00:00%2B00:00")).toBe(2);
    expect(await count("action=trigger.create&key_id=key_b")).toBe(0);
    for (const wrong of ["action=drop", "since=yesterday", "user_id=%27", "key_id=a%20b", "cursor=x", "what=1"])
      expect((await ada.send("GET", `${path}?${wrong}`)).status).toBe(400);
  });

  it("pages through all entries once, also filtered, when most are something else", { timeout: 30_000 }, async () => {
    const filter: AuditFilter = {
      user_id: "user_pages",
      action: null,
      actor_id: null,
      key_id: null,
      since: null,
      until: null,
    };
    const at = Date.parse("2026-02-01T00:00:00.000Z");
    for (let day = 0; day < 10; day++) {
      await insert("user_pages", at + day * DAY, 30);
      if (day % 4 === 0) await insert("user_pages", at + day * DAY + 1, 2, { action: "trigger.create" });
    }
    const readAll = async (wanted: AuditFilter, scanned: number) => {
      const [ids, sizes]: [string[], number[]] = [[], []];
      let cursor: string | null = null;
      do {
        const page = await listAuditEntries(env.DB, wanted, { limit: 7, cursor }, scanned);
        if (!page.ok) throw new Error(page.error.detail);
        ids.push(...page.value.data.map(({ entry_id }) => entry_id));
        sizes.push(page.value.data.length);
        cursor = page.value.next_cursor;
      } while (cursor !== null && sizes.length < 1_000);
      return { ids, sizes };
    };
    const all = await readAll(filter, 10);
    expect([all.ids.length, new Set(all.ids).size]).toEqual([306, 306]);
    expect(all.ids).toEqual(all.ids.toSorted().reverse());
    for (const scanned of [7, 10, 1_000]) {
      const some = await readAll({ ...filter, action: "trigger.create" }, scanned);
      expect([scanned, some.ids.length, new Set(some.ids).size]).toEqual([scanned, 6, 6]);
    }
  });

  it("reads by an index and no more than a page, among a hundred thousand entries", { timeout: 60_000 }, async () => {
    const plans: string[] = [];
    let read = 0;
    const watching = new Proxy(env.DB, {
      get: (target, name) => {
        if (name === "prepare") {
          return (query: string) => {
            plans.push(query);
            return target.prepare(query);
          };
        }
        if (name === "batch") {
          return async (statements: D1PreparedStatement[]) => {
            const answers = await target.batch(statements);
            for (const { meta } of answers) read += meta.rows_read;
            return answers;
          };
        }
        const value = Reflect.get(target, name) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    for (let year = 0; year < 20; year++)
      await insert("user_decades", Date.parse("2006-01-01") + year * 365 * DAY, 5_000);
    const of = { user_id: "user_decades", action: null, actor_id: null, key_id: null, since: null, until: null };
    const request = { limit: 200, cursor: null };
    await listAuditEntries(watching, of, request);
    await listAuditEntries(watching, { ...of, user_id: null }, request);
    await listAuditEntries(
      watching,
      { ...of, since: Date.parse("2010-01-01"), until: Date.parse("2011-01-01") },
      request,
    );
    expect(read).toBe(0);
    // Nothing has this key: the most that one page looks at, twice.
    await listAuditEntries(watching, { ...of, key_id: "key_none" }, request);
    expect(read).toBeLessThanOrEqual(2 * 2_000 + 10);
    for (const query of plans) {
      const values = Array.from(query.matchAll(/\?/g), () => "1");
      const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${query}`)
        .bind(...values)
        .all<{ detail: string }>();
      const text = results.map(({ detail }) => detail).join("\n");
      expect([query, text]).toEqual([query, expect.not.stringMatching(/SCAN audit_entries(?! USING INDEX)/)]);
      // The filtered rows of one bounded look may be sorted, and no others.
      if (!query.includes('"looked"'))
        expect([query, text]).toEqual([query, expect.not.stringContaining("TEMP B-TREE")]);
    }
    await env.DB.prepare("DELETE FROM audit_entries WHERE user_id = 'user_decades'").run();
  });
});

describe("entries", () => {
  it("are neither changed nor deleted by SQL, but for the outcome, once", async () => {
    const ada = await createClient().addUser("user_append");
    await ada.send("POST", "/v1/api-keys", {});
    const before = await entriesOf("user_append");
    const columns = [
      "user_id",
      "entry_id",
      "created_at",
      "actor_id",
      "key_id",
      "action",
      "target",
      "outcome",
      "source",
      "details",
    ];
    for (const column of columns) {
      const change = env.DB.prepare(`UPDATE audit_entries SET ${column} = 'x' WHERE user_id = 'user_append'`).run();
      await expect(change).rejects.toThrow("an audit entry is not changed");
    }
    await expect(env.DB.prepare("DELETE FROM audit_entries WHERE user_id = 'user_append'").run()).rejects.toThrow(
      "is kept for a day",
    );
    const again = "INSERT OR REPLACE INTO audit_entries SELECT * FROM audit_entries WHERE user_id = 'user_append'";
    await env.DB.prepare(again).run();
    expect(await entriesOf("user_append")).toEqual(before);
  });

  it("are deleted by the clock once they are older than AUDIT_DAYS, in bounded steps", {
    timeout: 30_000,
  }, async () => {
    const now = Date.now();
    await env.DB.prepare("DELETE FROM audit_entries WHERE created_at < '2026-06-01'").run();
    await insert("user_old", now - 31 * DAY, 5_200);
    await insert("user_old", now - 29 * DAY, 3);
    const settings = { ...env, AUDIT_DAYS: "30" } as Env;
    await sweepAudit(settings, now);
    expect(await entriesOf("user_old")).toHaveLength(203);
    await sweepAudit(settings, now);
    expect(await entriesOf("user_old")).toHaveLength(3);
    await sweepAudit({ ...env, AUDIT_DAYS: "0" } as Env, now);
    expect(await entriesOf("user_old")).toHaveLength(3);
    expect(logged).toEqual([]);
  });

  it("of the last day stay even if the clock is years ahead", async () => {
    await createClient().addUser("user_ahead");
    await sweepAudit(env, Date.now() + 4_000 * DAY);
    expect(await entriesOf("user_ahead")).toHaveLength(1);
    expect(logged).toMatchObject([{ event: "audit_sweep_failed" }]);
  });

  it("are found for deletion by their index", async () => {
    const deleted =
      "DELETE FROM audit_entries WHERE (user_id, entry_id) IN (SELECT user_id, entry_id FROM audit_entries WHERE entry_id < ? ORDER BY entry_id LIMIT 500)";
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${deleted}`)
      .bind(firstIdAt("aud", 0))
      .all<{ detail: string }>();
    const text = results.map(({ detail }) => detail).join("\n");
    expect(text).toMatch(/SEARCH audit_entries USING (?:COVERING )?INDEX audit_entries_by_id/);
    expect(text).not.toContain("SCAN audit_entries");
    expect(await deleteAuditEntries(env.DB, 0, 500)).toBe(0);
  });
});

/** D1 that rejects statements on the audit: those that begin with one of these words. */
function failing(...words: string[]): D1Database {
  const isHit = (query: string) =>
    query.includes("audit_entries") && words.some((word) => query.toLowerCase().startsWith(word));
  let isArmed = false;
  return new Proxy(env.DB, {
    get(target, name) {
      if (name === "prepare") {
        return (query: string) => {
          if (isHit(query)) isArmed = true;
          return target.prepare(query);
        };
      }
      if (name === "batch") {
        return (statements: D1PreparedStatement[]) => {
          const fails = isArmed;
          isArmed = false;
          return fails ? Promise.reject(new Error("D1 is away")) : target.batch(statements);
        };
      }
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

describe("an act", () => {
  it("is refused and not done if its entry can't be written", async () => {
    const ada = await createClient().addUser("user_unwritten");
    const key = String((await ada.send("POST", "/v1/api-keys", {})).body.key);
    const client = createClient({ DB: failing("insert") }).as(key);
    const answer = await client.send("POST", "/v1/api-keys", { name: "never" });
    expect(answer).toMatchObject({
      status: 500,
      body: { code: "internal", detail: expect.stringContaining("Nothing was done") },
    });
    expect((await ada.send("GET", "/v1/api-keys")).text).not.toContain("never");
    expect(logged).toContainEqual(expect.objectContaining({ event: "audit_failed", action: "api_key.create" }));
  });

  it("is done, and its entry has no outcome, if only the outcome can't be written", async () => {
    const ada = await createClient().addUser("user_open_end");
    const key = String((await ada.send("POST", "/v1/api-keys", {})).body.key);
    const client = createClient({ DB: failing("update") }).as(key);
    expect((await client.send("POST", "/v1/api-keys", { name: "made" })).status).toBe(201);
    expect((await entriesOf("user_open_end")).at(-1)).toMatchObject({ action: "api_key.create", outcome: null });
    expect((await ada.send("GET", `${path}?limit=1`)).body.data).toMatchObject([{ outcome: null }]);
    expect(logged).toContainEqual(expect.objectContaining({ event: "audit_left_open", entries: 1 }));
  });

  it("that fails here has no outcome, since nobody knows whether it happened", async () => {
    const ada = await createClient().addUser("user_fails");
    const key = String((await ada.send("POST", "/v1/api-keys", {})).body.key);
    const DB = new Proxy(env.DB, {
      get(target, name) {
        const value = Reflect.get(target, name) as (...given: unknown[]) => unknown;
        if (name !== "prepare") return typeof value === "function" ? value.bind(target) : value;
        return (query: string) => {
          if (/^delete from .?webhooks/i.test(query)) throw new Error("D1 is away");
          return target.prepare(query);
        };
      },
    });
    expect((await createClient({ DB }).as(key).send("DELETE", "/v1/webhooks/hook_1")).status).toBe(500);
    expect((await entriesOf("user_fails")).at(-1)).toMatchObject({
      action: "webhook.delete",
      target: "hook_1",
      outcome: null,
    });
  });

  it("is handed to the runtime before it begins, and the act follows the entry", async () => {
    const order: string[] = [];
    const DB = new Proxy(env.DB, {
      get(target, name) {
        const value = Reflect.get(target, name) as (...given: unknown[]) => unknown;
        if (name !== "prepare") return typeof value === "function" ? value.bind(target) : value;
        return (query: string) => {
          if (/^(insert|update|delete)/i.test(query))
            order.push(query.replaceAll('"', "").split(" ").slice(0, 3).join(" "));
          return target.prepare(query);
        };
      },
    });
    const execution = createExecutionContext();
    const waiting = vi.spyOn(execution, "waitUntil").mockImplementation((promise) => {
      order.push("waitUntil");
      void promise.catch(() => {});
    });
    const init = { method: "POST", headers: { authorization: `Bearer ${ADMIN_KEY}` }, body: "{}" };
    await createApp().request("/v1/api-keys", init, { ...(env as Env), DB }, execution);
    expect(waiting).toHaveBeenCalled();
    expect(order).toEqual([
      "insert into audit_entries",
      "waitUntil",
      "insert into api_keys",
      "update audit_entries set",
    ]);
  });
});

describe("what a client sends of itself", () => {
  it("is cut, and has no characters that a terminal or a reader of lines acts on", async () => {
    const ada = await createClient().addUser("user_odd");
    const headers = {
      "user-agent": `a\u001b[31m\u009b2J\u00ad${"x".repeat(5_000)}`.replace("\u001b", "\t"),
      "cf-connecting-ip": "9".repeat(500),
    };
    await ada.send("POST", "/v1/api-keys", {}, headers);
    const source = JSON.parse((await entriesOf("user_odd")).at(-1)?.source ?? "{}");
    expect(source.user_agent).toBe(`a?[31m?2J?${"x".repeat(200 - 10)}`);
    expect(source.address).toHaveLength(64);
    await ada.send("DELETE", `/v1/git-credentials/${encodeURIComponent(`a\n\u202e${"h".repeat(400)}`)}`);
    const refused = (await entriesOf("user_odd")).at(-1);
    expect(refused).toMatchObject({ action: "git_credential.delete", outcome: "refused" });
    expect(refused?.target).toBe(`a??${"h".repeat(297)}`);
  });

  it("is never an address that it claims by another header", async () => {
    const ada = await createClient().addUser("user_forger");
    const claims = {
      "x-forwarded-for": "1.2.3.4",
      "x-real-ip": "1.2.3.4",
      "true-client-ip": "1.2.3.4",
      forwarded: "for=1.2.3.4",
    };
    await ada.send("POST", "/v1/api-keys", {}, claims);
    expect((await entriesOf("user_forger")).at(-1)?.source).not.toContain("1.2.3.4");
  });
});

describe("refused acts", () => {
  it("are bounded for each key, and keep nobody else, and no key, from ending", { timeout: 60_000 }, async () => {
    const admin = createClient();
    const ada = await admin.addUser("user_flood");
    const made = await ada.send("POST", "/v1/api-keys", {});
    const flooding = admin.as(String(made.body.key));
    const statuses = [];
    for (let time = 0; time < 320; time++)
      statuses.push((await flooding.send("DELETE", `/v1/webhooks/nothing${time}`)).status);
    expect(statuses.slice(0, 300)).toEqual(Array(300).fill(404));
    const limited = await flooding.send("POST", "/v1/webhooks", {
      url: "https://example.com",
      events: ["run.completed"],
    });
    expect(limited).toMatchObject({ status: 429, body: { code: "rate_limited" } });
    expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await entriesOf("user_flood")).length).toBeLessThan(320);
    // Reads go on, another key acts, and the flooding key may end itself.
    expect((await flooding.send("GET", "/v1/webhooks")).status).toBe(200);
    expect((await ada.send("DELETE", "/v1/webhooks/nothing")).status).toBe(404);
    expect((await flooding.send("DELETE", `/v1/api-keys/${made.body.key_id}`)).status).toBe(204);
  });

  it("for which a request is not valid, or not permitted, cost no entry", async () => {
    const ada = await createClient().addUser("user_invalid");
    const before = await entriesOf("user_invalid");
    expect((await ada.send("POST", "/v1/api-keys", { unknown: 1 })).status).toBe(400);
    expect((await ada.send("POST", "/v1/users", {})).status).toBe(403);
    expect((await ada.as(null).send("POST", "/v1/api-keys", {})).status).toBe(401);
    expect(await entriesOf("user_invalid")).toEqual(before);
  });
});
