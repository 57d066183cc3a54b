// How long threads are kept is said by admins and owners, and how large the database is to admins.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/config.ts";
import { newId } from "../../src/protocol/ids.ts";
import { databaseSize } from "../../src/store/server/size.ts";
import { sweepRuns, warnOfSize } from "../../src/sweeps.ts";
import { collectLogs, entriesOf } from "./audit-entries.ts";
import { createClient } from "./http-client.ts";

let logged: Record<string, unknown>[] = [];
beforeEach(() => {
  logged = collectLogs();
});
afterEach(() => void vi.restoreAllMocks());

const admin = createClient();

describe("the days for which threads are kept", () => {
  it("are set on a user by an admin alone, audited, and taken back", async () => {
    const user_id = newId("user");
    const ada = await admin.addUser(user_id);
    const path = `/v1/users/${user_id}`;
    expect((await admin.send("GET", path)).body.retention_days).toBeNull();
    expect((await admin.send("PATCH", path, { retention_days: 30 })).body.retention_days).toBe(30);
    expect((await admin.send("GET", path)).body.retention_days).toBe(30);
    expect((await ada.send("PATCH", path, { retention_days: 0 })).status).toBe(403);
    for (const wrong of [-1, 1.5, 3_651, "30"]) {
      expect((await admin.send("PATCH", path, { retention_days: wrong })).body.code).toBe("invalid_field");
    }
    expect((await admin.send("PATCH", path, { retention_days: 0 })).body.retention_days).toBe(0);
    expect((await admin.send("PATCH", path, { retention_days: null })).body.retention_days).toBeNull();
    const updates = (await entriesOf(user_id)).filter(({ action }) => action === "user.update");
    expect(updates.map(({ details }) => details)).toContain(JSON.stringify({ retention_days: 30 }));
    const made = await admin.send("POST", "/v1/users", { retention_days: 7 });
    expect((await admin.send("GET", `/v1/users/${made.body.user_id}`)).body.retention_days).toBe(7);
  });

  it("are said to the user: those of an admin, or else of the setting", async () => {
    const user_id = newId("user");
    const ada = await admin.addUser(user_id);
    const key = String((await ada.send("POST", "/v1/api-keys", { name: "second" })).body.key);
    const said = async (settings: Partial<Env>) => {
      return (await createClient(settings).as(key).send("GET", "/v1/users/me")).body.retention_days;
    };
    expect([await said({}), await said({ RETENTION_DAYS: "365" })]).toEqual([null, 365]);
    for (const [given, expected] of [
      [30, 30],
      [0, null],
    ]) {
      await admin.send("PATCH", `/v1/users/${user_id}`, { retention_days: given });
      expect([await said({}), await said({ RETENTION_DAYS: "365" })]).toEqual([expected, expected]);
    }
  });

  it("are set on a project by its owner, and are one at least", async () => {
    const ada = await admin.addUser(newId("user"));
    const made = await ada.send("POST", "/v1/projects", { name: "Shop", retention_days: 14 });
    expect(made.body.retention_days).toBe(14);
    const path = `/v1/projects/${made.body.project_id}`;
    expect((await ada.send("PATCH", path, { name: "Bookshop" })).body.retention_days).toBe(14);
    expect((await ada.send("PATCH", path, { retention_days: 0 })).body.code).toBe("invalid_field");
    expect((await ada.send("PATCH", path, { retention_days: null })).body.retention_days).toBeNull();
    expect((await ada.send("GET", path)).body.retention_days).toBeNull();
  });
});

describe("the size of the database", () => {
  it("is what D1 said with its newest answer, as a share of the setting", async () => {
    const { body } = await createClient({ DATABASE_LIMIT_MB: "500" }).send("GET", "/v1/server");
    const database = body.database as { bytes: number; limit_bytes: number; share: number };
    expect(database.bytes).toBeGreaterThan(100_000);
    expect(database).toEqual({ ...database, limit_bytes: 500_000_000, share: database.bytes / 500_000_000 });
    expect(body.retention).toMatchObject({ days: null, threads_deleted: expect.any(Number) });
    expect(JSON.stringify(body.warnings)).not.toContain("% full");
  });

  it("is noted by the clock without a query of its own, and warned of from 70 % on, once an hour", async () => {
    await sweepRuns(env as Env, Date.now());
    const bytes = databaseSize(1)?.bytes ?? 0;
    expect(bytes).toBeGreaterThan(100_000);
    // One megabyte is full.
    const small = { ...env, DATABASE_LIMIT_MB: "1" } as Env;
    const isFilling = bytes >= 700_000;
    for (let minute = 0; minute < 60; minute++) warnOfSize(small, Date.UTC(2026, 10, 28, 10, minute));
    const said = logged.filter(({ event }) => event === "d1_filling");
    expect(said).toHaveLength(isFilling ? 1 : 0);
    warnOfSize(env as Env, Date.UTC(2026, 10, 28, 10, 23));
    expect(logged.filter(({ event }) => event === "d1_filling")).toHaveLength(said.length);
  });
});
