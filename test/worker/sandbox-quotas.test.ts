// Quotas of sandboxes: exact, kept by a row of D1, and given back.
import { env } from "cloudflare:test";
import { afterAll, describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import { sweepSandboxes } from "../../src/projects/routes/sweep-sandboxes.ts";
import { sandboxName } from "../../src/projects/sandbox.ts";
import { countSandbox } from "../../src/projects/sandbox-count.ts";
import { usualQuota } from "../../src/store/quotas/held.ts";
import { giveBackSandbox, listLeftSandboxes, noteSandbox, takeSandbox } from "../../src/store/quotas/sandboxes.ts";
import { daytona, openQuotaUsers } from "./quota-users.ts";
import { realUser } from "./real-client.ts";

const users = openQuotaUsers();
const { userWith } = users;
afterAll(users.removeSandboxes);

const rowOf = (user_id: string, project_id: string, cpu: number | null = null) => ({
  ...{ user_id, project_id, created_at: new Date().toISOString(), cpu, memory: null, disk: null },
});

async function rowsOf(user_id: string): Promise<unknown[]> {
  const query = "SELECT project_id, cpu FROM sandboxes WHERE user_id = ?1 ORDER BY project_id";
  return (await env.DB.prepare(query).bind(user_id).all()).results;
}

async function exists(user_id: string, project_id: string): Promise<boolean> {
  return await daytona.get(await sandboxName(user_id, project_id)).then(
    () => true,
    () => false,
  );
}

describe("rows of sandboxes", () => {
  it("are never more than the quota, however many ask at once, and one is not counted twice", async () => {
    await userWith("user_boxes", { sandboxes: 7 });
    const asked = Array.from({ length: 50 }, (_, n) => takeSandbox(env.DB, rowOf("user_boxes", `p${n}`), usualQuota));
    const answers = await Promise.all(asked);
    expect(answers.filter((full) => full === null)).toHaveLength(7);
    expect(answers.find((full) => full !== null)).toEqual({ name: "sandboxes", held: { used: 7, limit: 7 } });
    const [known] = (await rowsOf("user_boxes")) as { project_id: string }[];
    expect(await takeSandbox(env.DB, rowOf("user_boxes", known?.project_id ?? ""), usualQuota)).toBeNull();
    await giveBackSandbox(env.DB, "user_boxes", known?.project_id ?? "");
    expect(await takeSandbox(env.DB, rowOf("user_boxes", "new"), usualQuota)).toBeNull();
    expect(await rowsOf("user_boxes")).toHaveLength(7);
  });

  it("have no more cores together than the quota; one that is there continues, and may shrink", async () => {
    const user_id = "user_cores";
    await userWith(user_id, { sandboxes: 5 });
    const take = (project_id: string, cpu: number | null) =>
      takeSandbox(env.DB, rowOf(user_id, project_id, cpu), usualQuota);
    expect(await take("a", 8)).toBeNull();
    expect(await take("b", 8)).toBeNull();
    expect(await take("c", 8)).toEqual({ name: "sandbox_cpus", held: { used: 16, limit: 20 } });
    // A size that is not known counts as one core, until the provider says it.
    expect(await take("c", null)).toBeNull();
    expect(await take("c", 5)).toMatchObject({ name: "sandbox_cpus" });
    expect(await take("c", 4)).toBeNull();
    await noteSandbox(env.DB, rowOf(user_id, "d", 8));
    expect(await take("d", 8)).toBeNull();
    expect(await take("a", 8)).toBeNull();
    expect(await take("a", 7)).toBeNull();
    expect(await take("a", 8)).toMatchObject({ name: "sandbox_cpus" });
  });

  it("of a size that is known are not written again", async () => {
    const count = countSandbox({ config: readConfig(env), database: env.DB, user_id: "user_noted", project_id: "p" });
    await count.note({ cpu: 1 });
    await env.DB.prepare("UPDATE sandboxes SET cpu = 9 WHERE user_id = 'user_noted'").run();
    await count.note({ cpu: 1 });
    expect(await rowsOf("user_noted")).toEqual([{ project_id: "p", cpu: 9 }]);
    await count.note({ cpu: 2 });
    expect(await rowsOf("user_noted")).toEqual([{ project_id: "p", cpu: 2 }]);
    // Deleted by another isolate, and made anew here.
    await giveBackSandbox(env.DB, "user_noted", "p");
    await count.take({});
    await count.note({ cpu: 2 });
    expect(await rowsOf("user_noted")).toEqual([{ project_id: "p", cpu: 2 }]);
  });
});

describe("a project's sandbox", () => {
  it("takes a row before it is made, is refused with 409 where there is no room, and gives it back", async () => {
    const client = await userWith("user_projects", { sandboxes: 1 });
    for (const project_id of ["one", "two"]) await client.send("POST", "/v1/projects", { project_id, name: "P" });
    expect((await client.send("POST", "/v1/projects/one/sandbox/start")).status).toBe(200);
    expect(await rowsOf("user_projects")).toEqual([{ project_id: "one", cpu: expect.any(Number) }]);
    const refused = await client.send("POST", "/v1/projects/two/sandbox/start");
    expect([refused.status, refused.body.code]).toEqual([409, "quota_exceeded"]);
    expect(refused.body.detail).toContain("1 sandboxes (sandboxes)");
    expect(await exists("user_projects", "two")).toBe(false);
    expect((await client.send("DELETE", "/v1/projects/one/sandbox")).status).toBe(204);
    expect((await client.send("POST", "/v1/projects/two/sandbox/start")).status).toBe(200);
    expect((await client.send("DELETE", "/v1/projects/two")).status).toBe(204);
    expect(await rowsOf("user_projects")).toEqual([]);
  });

  it("whose row D1 has lost gets it when it is next opened, also beyond the quota", async () => {
    const client = await userWith("user_former", {});
    await client.send("POST", "/v1/projects", { project_id: "old", name: "P" });
    await client.send("POST", "/v1/projects/old/sandbox/start");
    await env.DB.batch([
      env.DB.prepare("DELETE FROM sandboxes WHERE user_id = 'user_former'"),
      env.DB.prepare(`UPDATE users SET quotas = '{"sandboxes":0}' WHERE user_id = 'user_former'`),
    ]);
    const config = readConfig(env);
    const scope = { config, database: env.DB, user_id: "user_former", project_id: "old" };
    // Another isolate, which has not seen it.
    await countSandbox(scope).giveBack();
    expect((await client.send("POST", "/v1/projects/old/sandbox/start")).status).toBe(200);
    expect(await rowsOf("user_former")).toHaveLength(1);
  });
});

describe("a run whose sandbox the quota refuses", () => {
  it("continues, and its model reads a sentence that says what helps", async () => {
    const client = await realUser("user_run_refused");
    const quotas = JSON.stringify({ sandboxes: 0 });
    await env.DB.prepare("UPDATE users SET quotas = ?1 WHERE user_id = 'user_run_refused'").bind(quotas).run();
    const message = '[[tool execute_command {"command":"true"}]] [[then]] [[text I have no sandbox.]]';
    const run = await client.send("POST", "/v1/threads/refused/runs?wait=1", { message });
    expect(run.body).toMatchObject({ status: "completed", error: null });
    const messages = await client.send("GET", "/v1/threads/refused/messages?type=tool");
    expect(messages.body.data).toMatchObject([
      {
        content: { content: expect.stringContaining("Your quota of 0 sandboxes (sandboxes) is used up. Delete what") },
        metadata: { is_error: true },
      },
    ]);
    expect(await rowsOf("user_run_refused")).toEqual([]);
  });
});

describe("the clock", () => {
  it("gives back rows whose projects are gone, with the sandbox, and leaves those of new projects", async () => {
    const client = await userWith("user_swept", {});
    for (const project_id of ["gone", "stays"]) {
      await client.send("POST", "/v1/projects", { project_id, name: "P" });
      await client.send("POST", `/v1/projects/${project_id}/sandbox/start`);
    }
    await env.DB.prepare("DELETE FROM projects WHERE user_id = 'user_swept' AND project_id = 'gone'").run();
    const at = Date.now();
    expect(await listLeftSandboxes(env.DB, at - 60_000, 10)).toEqual([]);
    const hour = 3_600_000;
    const later = Math.ceil((at + 25 * hour) / hour) * hour + 41 * 60_000;
    await sweepSandboxes(env, later + 60_000);
    expect(await rowsOf("user_swept")).toHaveLength(2);
    await sweepSandboxes(env, later);
    expect(await rowsOf("user_swept")).toEqual([{ project_id: "stays", cpu: expect.any(Number) }]);
    expect([await exists("user_swept", "gone"), await exists("user_swept", "stays")]).toEqual([false, true]);
  });
});
