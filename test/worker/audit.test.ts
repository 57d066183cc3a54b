// Who reads what of the audit, and what a read costs.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { mintApiKey } from "../../src/http/api-key.ts";
import { newId } from "../../src/protocol/ids.ts";
import type { Scope } from "../../src/protocol/keys/scope.ts";
import { createApiKey } from "../../src/store/api-keys.ts";
import { type AuditFilter, listAuditEntries } from "../../src/store/people/audit.ts";
import { collectLogs, insertEntries } from "./audit-entries.ts";
import { type Client, createClient } from "./http-client.ts";

const DAY = 24 * 3_600_000;

beforeEach(() => {
  collectLogs();
});
afterEach(() => vi.restoreAllMocks());

async function keyWith(client: Client, user_id: string, scopes: Scope[] | null): Promise<Client> {
  const { key, stored } = await mintApiKey({ name: null, made_by: null, scopes }, Date.now());
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
    ]);
    expect(own.body.data).toHaveLength(1);
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
    const shielded = await admin.addUser("user_shielded");
    await admin.send("PATCH", "/v1/users/user_shielded", { name: "Ada" }, headers);
    const seen = await shielded.send("GET", path);
    expect(seen.body.data).toMatchObject([
      { actor_id: "user_first", source: { type: "http", address: null, user_agent: null } },
    ]);
    const all = await admin.send("GET", `${path}?user_id=user_shielded`);
    expect(all.body.data).toMatchObject([{ source: { address: "203.0.113.77", user_agent: "admins-own-browser" } }]);
  });

  it("shows a user from where somebody acted whom nobody knows, as with a copied cookie", async () => {
    const robbed = await createClient().addUser("user_robbed");
    const source = { type: "http", address: "203.0.113.66", user_agent: "thief", request_id: "r" };
    const known = env.DB.prepare(
      "INSERT INTO audit_entries VALUES ('user_robbed', ?, ?, NULL, NULL, ?, 's', 'done', ?, '{}')",
    );
    const now = Date.now();
    await known
      .bind(newId("aud", now + 1), new Date(now).toISOString(), "session.delete", JSON.stringify(source))
      .run();
    expect((await robbed.send("GET", path)).body.data?.[0]).toMatchObject({ actor_id: null, source });
  });

  it("filters by action, actor, key and time, and refuses what is none", async () => {
    const ada = await createClient().addUser("user_filters");
    const at = Date.parse("2026-01-01T00:00:00.000Z");
    await insertEntries("user_filters", at, 3, { action: "trigger.create", key_id: "key_a" });
    await insertEntries("user_filters", at + DAY, 2, { action: "webhook.create", key_id: "key_b" });
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

  it("pages through all entries once, also filtered, when most are something else", { timeout: 60_000 }, async () => {
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
      await insertEntries("user_pages", at + day * DAY, 30);
      if (day % 4 === 0) await insertEntries("user_pages", at + day * DAY + 1, 2, { action: "trigger.create" });
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
      await insertEntries("user_decades", Date.parse("2006-01-01") + year * 365 * DAY, 5_000);
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
