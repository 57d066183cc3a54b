// Projects that D1 no longer has, as after a restore to an earlier time, or while another D1 is bound by mistake: their
// threads continue in their objects, and their sandboxes hold people's files.
import { env } from "cloudflare:test";
import { Daytona } from "@daytonaio/sdk";
import { afterAll, expect, it } from "vitest";
import { sweepSandboxes } from "../../src/projects/routes/sweep-sandboxes.ts";
import { sandboxName } from "../../src/projects/sandbox.ts";
import { killObject } from "./faulty-object.ts";
import type { Sender } from "./hook-client.ts";
import { realUser } from "./real-client.ts";

const USER = "user_restored";
const HOUR = 3_600_000;
const patient = { timeout: 60_000 };
const daytona = new Daytona({
  apiKey: env.DAYTONA_API_KEY ?? "",
  apiUrl: env.DAYTONA_API_URL ?? "",
  useDeprecatedPolling: true,
});
afterAll(async () => {
  for await (const sandbox of daytona.list({ labels: { app: "taskloom" } })) {
    if (sandbox.labels?.user_id === USER) await sandbox.delete();
  }
});

async function execute(client: Sender, thread_id: string, command: string, more: object = {}): Promise<void> {
  const message = `[[tool execute_command ${JSON.stringify({ command })}]] [[then]] [[text done]]`;
  const run = await client.send("POST", `/v1/threads/${thread_id}/runs?wait=1`, { message, ...more });
  expect(run.body).toMatchObject({ status: "completed", error: null });
}

const idOf = async (project_id: string) => (await daytona.get(await sandboxName(USER, project_id))).id;

async function loseProjects(...thread_ids: string[]): Promise<void> {
  for (const table of ["projects", "sandboxes", "threads", "runs", "messages"]) {
    await env.DB.prepare(`DELETE FROM ${table} WHERE user_id = ?1`).bind(USER).run();
  }
  for (const thread_id of thread_ids) await killObject({ user_id: USER, thread_id });
}

it("keep their sandboxes when their threads work on, in whatever order, and for days", patient, async () => {
  const client = await realUser(USER);
  await client.send("POST", "/v1/projects", { project_id: "kept", name: "Kept" });
  for (const thread_id of ["first", "second"]) {
    const made = await client.send("POST", "/v1/threads", { thread_id, project_id: "kept" });
    expect(made.status).toBe(201);
  }
  await execute(client, "own", "true");
  await execute(client, "first", "true");
  const { project_id: own = "" } = (await client.send("GET", "/v1/threads/own")).body as { project_id?: string };
  const before = [await idOf("kept"), await idOf(own)];

  await loseProjects("first", "second", "own");
  for (const thread_id of ["first", "second", "own"]) await execute(client, thread_id, "true");
  expect([await idOf("kept"), await idOf(own)]).toEqual(before);

  // The clock's look for sandboxes whose projects are gone for a day.
  await sweepSandboxes(env as never, Math.ceil((Date.now() + 25 * HOUR) / HOUR) * HOUR + 41 * 60_000);
  expect([await idOf("kept"), await idOf(own)]).toEqual(before);
  expect((await client.send("GET", `/v1/projects/${own}`)).status).toBe(200);
  expect((await client.send("GET", "/v1/threads/second")).status).toBe(200);
});
