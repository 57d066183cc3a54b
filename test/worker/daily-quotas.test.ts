// Quotas of a day: exact however many ask at once, begun anew with the day, and what they end continues later.
import { env } from "cloudflare:test";
import { afterAll, describe, expect, it, vi } from "vitest";
import { readConfig } from "../../src/config.ts";
import { sweepSandboxHours } from "../../src/projects/routes/sweep-hours.ts";
import { sandboxName } from "../../src/projects/sandbox.ts";
import { secondsOfDay } from "../../src/protocol/money/quotas.ts";
import { usualOf, usualQuota } from "../../src/store/quotas/held.ts";
import { giveBackSandbox, noteSandbox } from "../../src/store/quotas/sandboxes.ts";
import { takeUse } from "../../src/store/quotas/uses.ts";
import { createPorts } from "../../src/thread/ports.ts";
import { countedDatabase } from "./counted-database.ts";
import { setLimits } from "./fixed-limits.ts";
import { createClient } from "./http-client.ts";
import { daytona, giveQuotas, openQuotaUsers } from "./quota-users.ts";
import { realUser } from "./real-client.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const users = openQuotaUsers();
const { userWith } = users;
afterAll(users.removeSandboxes);

async function usesOf(user_id: string): Promise<unknown[]> {
  const query = "SELECT name, period, used FROM quota_uses WHERE user_id = ?1 ORDER BY name";
  return (await env.DB.prepare(query).bind(user_id).all()).results;
}

const runningOf = async (user_id: string, project_id = "p") =>
  await env.DB.prepare("SELECT running_at FROM sandboxes WHERE user_id = ?1 AND project_id = ?2")
    .bind(user_id, project_id)
    .first<string | null>("running_at");

describe("what is counted over a day", () => {
  const now = Date.parse("2026-11-28T18:30:00Z");
  const take = (user_id: string, at = now) => takeUse(env.DB, user_id, "lookups_per_day", at, usualQuota);

  it("is never more than the quota, however many ask at once, and what is refused changes nothing", async () => {
    await userWith("user_searches", { lookups_per_day: 7 });
    const answers = await Promise.all(Array.from({ length: 50 }, () => take("user_searches")));
    expect(answers.filter((refusal) => refusal === null)).toHaveLength(7);
    expect(answers.find((refusal) => refusal !== null)).toEqual({
      code: "quota_exceeded",
      detail:
        "Your quota of 7 searches, pages read by fetch_url and addresses asked by checks, together in a day (lookups_per_day) is used up. It begins again at 00:00 UTC, in 6 hours.",
      retry_after_s: 5.5 * 3_600,
    });
    expect(await usesOf("user_searches")).toEqual([{ name: "lookups_per_day", period: "2026-11-28", used: 7 }]);
  });

  it("begins again with the next day, and what comes late for a day counts for the next one", async () => {
    await userWith("user_days", { lookups_per_day: 2 });
    for (const taken of [true, true, false]) expect((await take("user_days")) === null).toBe(taken);
    const tomorrow = now + secondsOfDay(now) * 1000;
    expect(await take("user_days", tomorrow - 1)).not.toBeNull();
    expect(await take("user_days", tomorrow)).toBeNull();
    expect(await take("user_days", tomorrow - 1)).toBeNull();
    expect(await take("user_days", tomorrow)).not.toBeNull();
    expect(await usesOf("user_days")).toEqual([{ name: "lookups_per_day", period: "2026-11-29", used: 2 }]);
  });

  it("has the user's own number before the setting's, also none at all", async () => {
    await userWith("user_no_searches", { lookups_per_day: 0 });
    expect(await take("user_no_searches")).not.toBeNull();
    const config = readConfig({ ...env, QUOTAS: "lookups_per_day=1" });
    const takeOne = () => takeUse(env.DB, "user_of_setting", "lookups_per_day", now, usualOf(config));
    expect([await takeOne(), await takeOne()]).toEqual([null, expect.objectContaining({ code: "quota_exceeded" })]);
    expect(await usesOf("user_no_searches")).toEqual([]);
  });

  it("leaves no row of a user who was deleted meanwhile", async () => {
    await userWith("user_deleted", {});
    await env.DB.prepare("UPDATE users SET deleted_at = '2026-11-28' WHERE user_id = 'user_deleted'").run();
    await take("user_deleted");
    expect(await usesOf("user_deleted")).toEqual([]);
  });

  it("lets a run's tools continue while D1 is away", async () => {
    const prepare = () => {
      throw new Error("D1 is away");
    };
    const ports = createPorts(readConfig(env), { prepare } as unknown as D1Database, env.JOBS);
    expect(await ports.takeUse("user_away")).toBeNull();
  });
});

describe("the hours of sandboxes", () => {
  const row = (user_id: string, project_id: string, at: number) => ({
    ...{ user_id, project_id, created_at: new Date(at).toISOString(), cpu: 1, memory: 1, disk: 1 },
  });
  const noon = Date.parse("2026-11-28T12:00:00Z");

  it("count from when it is first seen to when it was last looked at, an hour at most, and once", async () => {
    const client = await userWith("user_hours", {});
    await client.send("POST", "/v1/projects", { project_id: "p", name: "P" });
    expect((await client.send("POST", "/v1/projects/p/sandbox/start")).status).toBe(200);
    // Early on a day to come: all hours below are of that day, whatever the time is now.
    const begun = Math.ceil(Date.now() / (24 * HOUR)) * 24 * HOUR + HOUR;
    await env.DB.prepare("UPDATE sandboxes SET running_at = ?1 WHERE user_id = 'user_hours'")
      .bind(new Date(begun).toISOString())
      .run();
    await sweepSandboxHours(env, begun + 9 * MINUTE);
    expect(await usesOf("user_hours")).toEqual([]);
    const look = async (at: number) => {
      await Promise.all([sweepSandboxHours(env, at), sweepSandboxHours(env, at)]);
      const [use] = (await usesOf("user_hours")) as { used: number }[];
      return use?.used;
    };
    expect(await look(begun + 12 * MINUTE)).toBeCloseTo(0.2);
    expect(await look(begun + 30 * MINUTE)).toBeCloseTo(0.5);
    // The clock was away for long.
    expect(await look(begun + 10 * HOUR)).toBeCloseTo(1.5);
    await client.send("POST", "/v1/projects/p/sandbox/stop");
    expect(await look(begun + 10 * HOUR + 30 * MINUTE)).toBeCloseTo(2);
    expect(await runningOf("user_hours")).toBeNull();
    expect(await look(begun + 20 * HOUR)).toBeCloseTo(2);
    expect((await client.send("POST", "/v1/projects/p/sandbox/start")).status).toBe(200);
    expect(await runningOf("user_hours")).not.toBeNull();
  });

  it("also count for a sandbox that is deleted before anybody looked", async () => {
    await userWith("user_short", {});
    await noteSandbox(env.DB, row("user_short", "p", Date.now() - 6 * MINUTE));
    await giveBackSandbox(env.DB, "user_short", "p");
    expect(await usesOf("user_short")).toMatchObject([{ name: "sandbox_hours_per_day", used: expect.closeTo(0.1) }]);
    await giveBackSandbox(env.DB, "user_short", "p");
    expect(await usesOf("user_short")).toMatchObject([{ used: expect.closeTo(0.1) }]);
  });

  it("that are used up stop what runs and refuse to start it, with 429, and lose no file", async () => {
    const client = await userWith("user_busy", {});
    const file = "/v1/projects/p/sandbox/files/content?path=work.txt";
    await client.send("POST", "/v1/projects", { project_id: "p", name: "P" });
    expect((await client.send("PUT", file, "a day's work")).status).toBe(201);
    const begun = Date.parse((await runningOf("user_busy")) ?? "");
    const at = begun + 11 * MINUTE;
    await giveQuotas("user_busy", { sandbox_hours_per_day: 0 });
    await sweepSandboxHours(env, at);
    const sandbox = await daytona.get(await sandboxName("user_busy", "p"));
    expect([sandbox.state, await runningOf("user_busy")]).toEqual(["stopped", null]);
    for (const [method, path] of [
      ["POST", "/v1/projects/p/sandbox/start"],
      ["GET", file],
    ] as const) {
      const before = secondsOfDay(Date.now());
      const refused = await client.send(method, path);
      expect([refused.status, refused.body.code]).toEqual([429, "quota_exceeded"]);
      expect(refused.body.detail).toMatch(/\(sandbox_hours_per_day\) is used up. It begins again at 00:00 UTC, in/);
      const wait = Number(refused.headers.get("retry-after"));
      expect(wait).toBeLessThanOrEqual(before);
      expect(wait).toBeGreaterThanOrEqual(secondsOfDay(Date.now()));
    }
    const shown = await client.send("GET", "/v1/projects/p/sandbox");
    expect([shown.status, shown.body.state]).toEqual([200, "stopped"]);
    await giveQuotas("user_busy", { sandbox_hours_per_day: 5 });
    expect((await client.send("GET", file)).text).toBe("a day's work");
  });

  it("that are used up under a run end its command, and the model reads why; the run continues", async () => {
    const client = await realUser("user_run_hours");
    users.note("user_run_hours");
    const message =
      '[[tool execute_command {"command":"echo ready; sleep 600"}]] [[then]] [[tool execute_command {"command":"true"}]] [[then]] [[text No sandbox is left.]]';
    await client.send("POST", "/v1/threads/hours/runs", { message, invocation_id: "inv_hours" });
    const project_id = async () => String((await client.send("GET", "/v1/threads/hours")).body.project_id);
    const running = async () => {
      const id = await project_id();
      return id === "undefined" ? null : await runningOf("user_run_hours", id);
    };
    await expect.poll(running, { timeout: 20_000 }).toEqual(expect.any(String));
    const processes = async () => {
      const sandbox = await daytona.get(await sandboxName("user_run_hours", await project_id()));
      return (await sandbox.process.executeCommand("ps -ef | grep -c '[s]leep 600'")).result.trim();
    };
    await expect.poll(processes, { timeout: 20_000 }).not.toBe("0");
    await giveQuotas("user_run_hours", { sandbox_hours_per_day: 0 });
    await sweepSandboxHours(env, Date.parse((await running()) ?? "") + 11 * MINUTE);
    const run = () => client.send("GET", "/v1/threads/hours/runs/inv_hours");
    await expect.poll(async () => (await run()).body.status, { timeout: 40_000 }).toBe("completed");
    const { body } = await client.send("GET", "/v1/threads/hours/messages?type=tool");
    const texts = (body.data as unknown as { content: { content: string } }[]).map(({ content }) => content.content);
    expect(texts).toHaveLength(2);
    for (const text of texts) expect(text).toContain("(sandbox_hours_per_day) is used up");
  }, 90_000);

  it("of a sandbox that can't be asked for are counted later", async () => {
    await userWith("user_unreachable", {});
    await noteSandbox(env.DB, row("user_unreachable", "p", noon));
    const away = { ...env, DAYTONA_API_KEY: "a wrong key" };
    await sweepSandboxHours(away, noon + 20 * MINUTE);
    expect([await runningOf("user_unreachable"), await usesOf("user_unreachable")]).toEqual([
      new Date(noon).toISOString(),
      [],
    ]);
    await sweepSandboxHours(env, noon + 30 * MINUTE);
    expect(await usesOf("user_unreachable")).toMatchObject([{ used: expect.closeTo(0.5) }]);
  });

  it("of many that can't be asked for are one line of the log in a minute", async () => {
    await userWith("user_outage", {});
    for (let n = 0; n < 12; n++) await noteSandbox(env.DB, row("user_outage", `p${n}`, noon));
    const lines = vi.spyOn(console, "warn").mockImplementation(() => {});
    await sweepSandboxHours({ ...env, DAYTONA_API_KEY: "a wrong key" }, noon + 20 * MINUTE);
    const said = lines.mock.calls.map(([line]) => JSON.parse(String(line)));
    lines.mockRestore();
    expect(said).toEqual([expect.objectContaining({ event: "sandboxes_not_looked_at" })]);
    expect(said[0].sandboxes).toBeGreaterThanOrEqual(12);
    for (let n = 0; n < 12; n++) await giveBackSandbox(env.DB, "user_outage", `p${n}`);
  });
});

describe("a start that is refused", () => {
  it("writes nothing to D1", async () => {
    const { db, written } = countedDatabase();
    const counted = createClient({ DB: db });
    users.note("user_unwritten");
    const client = await counted.addUser("user_unwritten");
    for (const [project_id, sandbox] of [
      ["plain", {}],
      ["built", { dockerfile: "FROM debian:12" }],
    ] as const) {
      await client.send("POST", "/v1/projects", { project_id, name: "P", sandbox });
    }
    for (const [quota, project_id] of [
      ["sandbox_hours_per_day", "plain"],
      ["image_builds_per_day", "built"],
    ]) {
      if (quota === "image_builds_per_day") setLimits({ [quota]: 0 });
      await giveQuotas("user_unwritten", quota === "image_builds_per_day" ? {} : { [String(quota)]: 0 });
      written.length = 0;
      for (let count = 0; count < 3; count++) {
        const refused = await client.send("POST", `/v1/projects/${project_id}/sandbox/start`);
        expect([refused.status, refused.body.detail]).toEqual([429, expect.stringContaining(`(${quota})`)]);
      }
      expect(written).toEqual([]);
    }
  });
});

describe("builds of images", () => {
  it("are no more in a day than the quota; beyond it is 429, and nothing is left of the sandbox", async () => {
    const client = await userWith("user_builds", {});
    setLimits({ image_builds_per_day: 1 });
    for (const project_id of ["one", "two", "plain"]) {
      const sandbox = project_id === "plain" ? {} : { dockerfile: `FROM debian:12\nENV NAME=${project_id}\n` };
      const made = await client.send("POST", "/v1/projects", { project_id, name: "P", sandbox });
      expect(made.status).toBe(201);
    }
    const start = (project_id: string) => client.send("POST", `/v1/projects/${project_id}/sandbox/start`);
    expect((await start("one")).status).toBe(200);
    const refused = await start("two");
    expect([refused.status, refused.body.code]).toEqual([429, "quota_exceeded"]);
    expect(refused.body.detail).toContain("(image_builds_per_day)");
    expect(await runningOf("user_builds", "two")).toBeNull();
    const count = "SELECT count(*) AS n FROM sandboxes WHERE user_id = 'user_builds' AND project_id = 'two'";
    expect(await env.DB.prepare(count).first("n")).toBe(0);
    // A start of what is built, and a sandbox of a snapshot, build nothing.
    expect((await client.send("POST", "/v1/projects/one/sandbox/stop")).status).toBe(200);
    expect((await start("one")).status).toBe(200);
    expect((await start("plain")).status).toBe(200);
    expect(await usesOf("user_builds")).toMatchObject([{ name: "image_builds_per_day", used: 1 }]);
  });
});

it("GET /v1/quotas says what is used of a day", async () => {
  const client = await userWith("user_reads_daily", { lookups_per_day: 3 });
  await takeUse(env.DB, "user_reads_daily", "lookups_per_day", Date.now(), usualQuota);
  const { body } = await client.send("GET", "/v1/quotas");
  const of = (name: string) => body.data?.find((quota) => quota.name === name);
  expect(of("lookups_per_day")).toMatchObject({ limit: 3, used: 1, counted: "D1", is_rate: true });
  expect(of("sandbox_hours_per_day")).toMatchObject({ used: 0, counted: "D1", is_rate: true });
});
