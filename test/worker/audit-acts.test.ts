// How entries are kept, and what happens if they can't be written or somebody writes too many.
import { createExecutionContext, env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app.ts";
import type { Env } from "../../src/config.ts";
import { audited } from "../../src/http/audit.ts";
import { firstIdAt } from "../../src/protocol/ids.ts";
import { deleteAuditEntries } from "../../src/store/people/audit.ts";
import { sweepAudit } from "../../src/sweeps.ts";
import { collectLogs, entriesOf, insertEntries } from "./audit-entries.ts";
import { ADMIN_KEY, createClient } from "./http-client.ts";

const DAY = 24 * 3_600_000;
const path = "/v1/audit";

let logged: Record<string, unknown>[] = [];

beforeEach(() => {
  logged = collectLogs();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
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
    timeout: 60_000,
  }, async () => {
    const now = Date.now();
    await env.DB.prepare("DELETE FROM audit_entries WHERE created_at < '2026-06-01'").run();
    await insertEntries("user_old", now - 31 * DAY, 5_200);
    await insertEntries("user_old", now - 29 * DAY, 3);
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
    await (await createClient().addUser("user_ahead")).send("POST", "/v1/api-keys", {});
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
  it("are bounded for each key, and keep nobody else, and no key, from ending", { timeout: 120_000 }, async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
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
    // Reads continue, another key acts, and the flooding key may end itself.
    expect((await flooding.send("GET", "/v1/webhooks")).status).toBe(200);
    expect((await ada.send("DELETE", "/v1/webhooks/nothing")).status).toBe(404);
    expect((await flooding.send("DELETE", `/v1/api-keys/${made.body.key_id}`)).status).toBe(204);
  });

  it("are bounded also if they come at once, and acts that are done do not count", { timeout: 60_000 }, async () => {
    const ada = await createClient().addUser("user_crowd");
    for (let time = 0; time < 310; time++) expect((await ada.send("POST", "/v1/api-keys", {})).status).toBe(201);
    const before = (await entriesOf("user_crowd")).length;
    const crowd = Array.from({ length: 400 }, () => ada.send("DELETE", "/v1/webhooks/nothing"));
    const statuses = (await Promise.all(crowd)).map(({ status }) => status);
    expect(statuses).toContain(404);
    expect(statuses).toContain(429);
    expect((await entriesOf("user_crowd")).length - before).toBeLessThanOrEqual(350);
  });

  it("are bounded also where they name the key's own id and end nothing", { timeout: 60_000 }, async () => {
    const admin = createClient();
    for (const [name, path] of [
      ["webhook", (key_id: string) => `/v1/webhooks/${key_id}`],
      ["session", (key_id: string) => `/v1/sessions/${key_id}`],
    ] as const) {
      const ada = await admin.addUser(`user_self_${name}`);
      const { key_id, key } = (await ada.send("POST", "/v1/api-keys", {})).body;
      const flooding = admin.as(String(key));
      const statuses = new Set<number>();
      for (let time = 0; time < 320; time++) {
        statuses.add((await flooding.send("DELETE", path(String(key_id)))).status);
      }
      expect([...statuses]).toEqual([404, 429]);
      expect((await flooding.send("DELETE", `/v1/api-keys/${key_id}`)).status).toBe(204);
    }
  });

  it("are bounded also where there is nothing to end, however often it is asked for", { timeout: 60_000 }, async () => {
    const admin = createClient();
    const ada = await admin.addUser("user_idle");
    const ended = (await ada.send("POST", "/v1/api-keys", {})).body.key_id;
    expect((await ada.send("DELETE", `/v1/api-keys/${ended}`)).status).toBe(204);
    for (const path of ["/v1/sessions", `/v1/api-keys/${ended}?made=revoke`]) {
      const { key_id, key } = (await ada.send("POST", "/v1/api-keys", {})).body;
      const flooding = admin.as(String(key));
      const statuses = [];
      for (let time = 0; time < 360; time++) statuses.push((await flooding.send("DELETE", path)).status);
      expect([statuses[299], statuses.includes(429)]).toEqual([204, true]);
      expect((await flooding.send("DELETE", `/v1/api-keys/${key_id}`)).status).toBe(204);
    }
  });

  it("are bounded for each person in Slack", { timeout: 120_000 }, async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const app = createApp();
    app.post("/auth/as-slack/:person", async (context) => {
      const source = { type: "slack", team_id: "TFLOOD", slack_user_id: context.req.param("person") } as const;
      const nobody = { user_id: null, key_id: null };
      const act = { action: "approval.approve", user_id: "user_pressed", source, by: nobody } as const;
      await audited(context, act, (notes) => {
        notes.refused = "interrupt_answered";
      });
      return context.body(null, 204);
    });
    const press = async (person: string) => {
      const execution = createExecutionContext();
      return (await app.request(`/auth/as-slack/${person}`, { method: "POST" }, env as Env, execution)).status;
    };
    const statuses = new Set<number>();
    for (let time = 0; time < 320; time++) statuses.add(await press("U1"));
    expect([...statuses]).toEqual([204, 429]);
    expect(await press("U2")).toBe(204);
    expect((await entriesOf("user_pressed")).length).toBeLessThan(321);
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
