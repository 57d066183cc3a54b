// What an admin lets one user spend and have, in place of the settings' and the usual ones.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { quotas } from "../../src/protocol/money/quotas.ts";
import { entriesOf } from "./audit-entries.ts";
import { addUser, admin, patch, setAccounts } from "./people-client.ts";

setAccounts();

const read = async (user_id: string) => (await admin.send("GET", `/v1/users/${user_id}`)).body;

describe("a user's caps", () => {
  const caps = { day: { max_cost_usd: 5, max_minutes: 0 }, month: null };

  it("are set when it is made or later, as a whole, and null takes the settings'", async () => {
    const { user_id } = await addUser({ caps });
    expect((await read(user_id)).caps).toEqual(caps);
    const month = { month: { max_total_tokens: 7 } };
    expect((await patch(user_id, { caps: month })).body.caps).toEqual(month);
    expect((await patch(user_id, { name: "Ada" })).body).toMatchObject({ name: "Ada", caps: month });
    const [listed] = (await admin.send("GET", "/v1/users?limit=1")).body.data ?? [];
    expect(listed).toMatchObject({ user_id, caps: month, quotas: null });
    expect((await patch(user_id, { caps: null })).body.caps).toBeNull();
    const row = await env.DB.prepare("SELECT caps FROM users WHERE user_id = ?").bind(user_id).first();
    expect(row).toEqual({ caps: null });
  });

  it("are null without any, also of the first user, who may get some", async () => {
    const { user_id } = await addUser();
    expect(await read(user_id)).toMatchObject({ caps: null, quotas: null });
    expect(await read("user_first")).toMatchObject({ caps: null, quotas: null });
    expect((await patch("user_first", { caps })).body).toMatchObject({ caps });
    expect(await read("user_first")).toMatchObject({ caps, created_at: null });
  });

  it.each([
    ["caps.day.max_cost_usd", { day: { max_cost_usd: -1 } }],
    ["caps.month.max_total_tokens", { month: { max_total_tokens: 0.5 } }],
    ["caps.day", { day: 5 }],
    ["caps", "5"],
  ])("are refused where %s can't be", async (field, given) => {
    const { user_id } = await addUser();
    for (const answer of [
      await patch(user_id, { caps: given }),
      await admin.send("POST", "/v1/users", { user_id: "user_wrong", caps: given }),
    ]) {
      expect(answer).toMatchObject({ status: 400, body: { code: "invalid_field" } });
      expect(answer.body.detail).toMatch(new RegExp(`^${field}: `));
    }
    expect((await read(user_id)).caps).toBeNull();
    expect((await admin.send("GET", "/v1/users/user_wrong")).status).toBe(404);
  });

  it("have no other periods and names", async () => {
    const { user_id } = await addUser();
    for (const given of [{ week: {} }, { day: { cost_usd: 1 } }]) {
      expect((await patch(user_id, { caps: given })).body.code).toBe("unknown_field");
    }
  });

  it("are changed by admins only, and in the audit with what they became", async () => {
    const { user_id, client } = await addUser();
    expect((await client.send("PATCH", `/v1/users/${user_id}`, { caps: null })).status).toBe(403);
    await patch(user_id, { caps });
    await patch(user_id, { caps: null, quotas: {} });
    const entries = (await entriesOf(user_id)).filter(({ action }) => action === "user.update");
    expect(entries.map(({ outcome, details }) => [outcome, JSON.parse(details)])).toEqual([
      ["done", { caps: JSON.stringify(caps) }],
      ["done", { caps: "null", quotas: "{}" }],
    ]);
    const limited = await addUser({ caps });
    const query = "SELECT details FROM audit_entries WHERE action = 'user.create' AND target = ?";
    const made = await env.DB.prepare(query).bind(limited.user_id).first<{ details: string }>();
    expect(JSON.parse(made?.details ?? "")).toEqual({ role: null, caps: JSON.stringify(caps) });
  });
});

describe("a user's quotas", () => {
  it("are those of the table, by name, and null takes the usual ones", async () => {
    const { user_id } = await addUser({ quotas: {} });
    expect((await read(user_id)).quotas).toEqual({});
    for (const name of Object.keys(quotas)) {
      expect((await patch(user_id, { quotas: { [name]: 0 } })).body.quotas).toEqual({ [name]: 0 });
      expect((await patch(user_id, { quotas: { [name]: 1.5 } })).body.detail).toMatch(new RegExp(`^quotas.${name}: `));
    }
    expect((await patch(user_id, { quotas: null })).body.quotas).toBeNull();
    const unknown = await patch(user_id, { quotas: { no_such_quota: 1 } });
    expect(unknown).toMatchObject({ status: 400, body: { code: "invalid_field" } });
    expect(unknown.body.detail).toMatch(/^quotas.no_such_quota: is not known/);
    for (const [name, why] of [
      ["pings_per_minute", "is fixed at 20"],
      ["threads", "is a part of things: set that"],
      ["pages_per_day", "is no quota: set lookups_per_day"],
    ] as const) {
      const { status, body } = await patch(user_id, { quotas: { [name]: 1 } });
      expect([status, body.detail]).toEqual([400, expect.stringContaining(`quotas.${name}: ${why}; quotas are`)]);
    }
  });
});
