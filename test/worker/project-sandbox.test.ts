// A project's sandbox over HTTP: the limits of its settings, people's orders, and its deletion with the project.
import { createExecutionContext, createMessageBatch, env, getQueueResult } from "cloudflare:test";
import { Daytona } from "@daytonaio/sdk";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { consumeJobs } from "../../src/jobs.ts";
import { sandboxName } from "../../src/projects/sandbox.ts";
import type { Job } from "../../src/protocol/job.ts";
import { noteSandbox, readSandboxId } from "../../src/store/quotas/sandboxes.ts";
import { createClient } from "./http-client.ts";

const client = createClient();
const daytona = new Daytona({
  apiKey: env.DAYTONA_API_KEY ?? "",
  apiUrl: env.DAYTONA_API_URL ?? "",
  useDeprecatedPolling: true,
});
/** Daytona refuses this key at once; an unreachable server would be retried for ten seconds. */
const refused = { DAYTONA_API_KEY: "a key that is wrong" };

afterEach(() => void vi.restoreAllMocks());
/** All test files of the worker project share the server, so each deletes its own sandboxes. */
const made = new Set<string>();
afterAll(async () => {
  for await (const sandbox of daytona.list({ labels: { app: "taskloom" } })) {
    if (made.has(sandbox.labels?.project_id ?? "")) await sandbox.delete();
  }
});

async function stateOf(project_id: string): Promise<string> {
  const name = await sandboxName("user_first", project_id);
  return await daytona.get(name).then(
    ({ state }) => String(state),
    () => "none",
  );
}

async function makeProject(project_id: string, from = client, sandbox?: object): Promise<string> {
  made.add(project_id);
  const answer = await from.send("POST", "/v1/projects", { project_id, name: "Shop", sandbox });
  expect(answer.status).toBe(201);
  return `/v1/projects/${project_id}`;
}

/** Records the jobs that a client's app sends. */
function catchJobs() {
  const jobs: Job[] = [];
  const JOBS = { send: async (job: Job) => void jobs.push(job) } as unknown as Queue<unknown>;
  return { jobs, JOBS };
}

/** Delivers a job as the queue does, and expects it to be acknowledged. */
async function deliver(job: Job | undefined, settings: object, queue = "taskloom-jobs"): Promise<void> {
  const batch = createMessageBatch(queue, [{ id: "m", timestamp: new Date(), attempts: 1, body: job }]);
  await consumeJobs(batch, { ...env, ...settings });
  expect((await getQueueResult(batch, createExecutionContext())).explicitAcks).toEqual(["m"]);
}

describe("a project's settings for its sandbox", () => {
  it("are refused above the server's limits, with the field, the limit and the server's setting", async () => {
    const limited = createClient({ SANDBOX_LIMITS: "cpu=2,memory=4" });
    const fits = { cpu: 2, memory: 4, disk: 10 };
    const path = await makeProject("limited", limited, fits);
    for (const [name, value, limit] of [
      ["cpu", 3, "2 cores"],
      ["memory", 5, "4 GiB"],
      ["disk", 11, "10 GiB"],
    ]) {
      const sandbox = { ...fits, [String(name)]: value };
      for (const answer of [
        await limited.send("POST", "/v1/projects", { name: "x", sandbox }),
        await limited.send("PATCH", path, { sandbox }),
      ]) {
        expect([answer.status, answer.body.code]).toEqual([400, "invalid_field"]);
        expect(answer.body.detail).toContain(`sandbox.${name}: ${value} is over the limit of ${limit}`);
        expect(answer.body.detail).toContain("SANDBOX_LIMITS");
      }
    }
    expect((await limited.send("GET", path)).body.sandbox).toEqual(fits);
  });

  it("stop within a day, unless the operator permits a longer time, or that they never do", async () => {
    const ask = (from: typeof client, auto_stop_minutes: number) =>
      from.send("POST", "/v1/projects", { name: "x", sandbox: { auto_stop_minutes } });
    expect((await ask(client, 1440)).status).toBe(201);
    for (const minutes of [0, 1441]) {
      const answer = await ask(client, minutes);
      expect([answer.status, answer.body.code]).toEqual([400, "invalid_field"]);
      expect(answer.body.detail).toContain(`sandbox.auto_stop_minutes: ${minutes}`);
      expect(answer.body.detail).toContain("1440 minutes (the server's setting SANDBOX_LIMITS)");
    }
    const hour = createClient({ SANDBOX_LIMITS: "auto_stop_minutes=60" });
    expect([(await ask(hour, 61)).status, (await ask(hour, 60)).status]).toEqual([400, 201]);
    const free = createClient({ SANDBOX_LIMITS: "auto_stop_minutes=0" });
    expect([(await ask(free, 0)).status, (await ask(free, 40_000)).status]).toEqual([201, 201]);
  });

  it("of a project that never stops its sandbox stay until they are changed", async () => {
    const path = await makeProject("never");
    const never = JSON.stringify({ auto_stop_minutes: 0 });
    await env.DB.prepare("UPDATE projects SET sandbox = ?1 WHERE project_id = 'never'").bind(never).run();
    expect((await client.send("PATCH", path, { name: "y" })).body.sandbox).toEqual({ auto_stop_minutes: 0 });
    expect((await client.send("PATCH", path, { sandbox: { auto_stop_minutes: 0, cpu: 1 } })).status).toBe(400);
  });

  it.each(["300.1.1.1", "10.0.0.0/33", "1.2.3", "exa mple.com", "-a.com", "10.0.0.0/8,1.1.1.1"])(
    "are refused with %s in the network's allow list",
    async (place) => {
      const sandbox = { network: { allow: [place] } };
      const answer = await client.send("POST", "/v1/projects", { name: "x", sandbox });
      expect([answer.status, answer.body.code]).toEqual([400, "invalid_field"]);
    },
  );
});

describe("a project's sandbox", () => {
  it("can be read, started, stopped, archived and deleted by people", async () => {
    const path = `${await makeProject("ordered")}/sandbox`;
    expect((await client.send("GET", path)).body).toMatchObject({ state: "none", created_at: null });
    for (const order of ["stop", "archive"]) {
      const answer = await client.send("POST", `${path}/${order}`);
      expect([order, answer.status]).toEqual([order, order === "stop" ? 200 : 404]);
    }
    const started = await client.send("POST", `${path}/start`);
    expect([started.status, started.body.state, started.body.auto_stop_minutes]).toEqual([200, "started", 30]);
    expect((await client.send("POST", `${path}/start`)).body.created_at).toBe(started.body.created_at);
    expect((await client.send("POST", `${path}/stop`)).body.state).toBe("stopped");
    expect((await client.send("POST", `${path}/start`)).body.state).toBe("started");
    // A running sandbox is stopped first.
    expect((await client.send("POST", `${path}/archive`)).body.state).toBe("archiving");
    expect(["archiving", "archived"]).toContain((await client.send("POST", `${path}/archive`)).body.state);
    await expect.poll(async () => (await client.send("GET", path)).body.state).toBe("archived");
    expect((await client.send("POST", `${path}/start`)).body.state).toBe("started");
    for (let times = 0; times < 2; times++) expect((await client.send("DELETE", path)).status).toBe(204);
    expect((await client.send("GET", path)).body.state).toBe("none");
  });

  it("that is made again is found at once by every request, and goes with its project", async () => {
    const path = await makeProject("twice");
    const own = { user_id: "user_first", project_id: "twice" };
    await client.send("POST", `${path}/sandbox/start`);
    const former = await readSandboxId(env.DB, own);
    await client.send("DELETE", `${path}/sandbox`);
    expect(await readSandboxId(env.DB, own)).toBeNull();
    await client.send("POST", `${path}/sandbox/start`);
    const id = await readSandboxId(env.DB, own);
    expect([typeof id, id === former]).toEqual(["string", false]);
    expect((await client.send("GET", `${path}/sandbox`)).body.state).toBe("started");
    expect((await client.send("POST", `${path}/sandbox/stop`)).body.state).toBe("stopped");
    expect((await client.send("DELETE", path)).status).toBe(204);
    await expect(daytona.get(id ?? "")).rejects.toMatchObject({ statusCode: 404 });
  });

  it("keeps the id in its row, and is found without it", async () => {
    const path = await makeProject("without-id");
    const own = { user_id: "user_first", project_id: "without-id" };
    await client.send("POST", `${path}/sandbox/start`);
    const id = await readSandboxId(env.DB, own);
    await env.DB.prepare("UPDATE sandboxes SET sandbox_id = NULL WHERE project_id = 'without-id'").run();
    expect((await client.send("GET", `${path}/sandbox`)).body.state).toBe("started");
    await noteSandbox(env.DB, { ...own, created_at: "", cpu: 1, memory: 1, disk: 3, sandbox_id: id });
    expect(await readSandboxId(env.DB, own)).toBe(id);
    // A size that says nothing of an id leaves it.
    await noteSandbox(env.DB, { ...own, created_at: "", cpu: 2, memory: 1, disk: 3 });
    expect(await readSandboxId(env.DB, own)).toBe(id);
    await client.send("DELETE", path);
  });

  it("is not found by another user", async () => {
    const path = `${await makeProject("mine")}/sandbox`;
    const other = await client.addUser("user_sandbox_other");
    for (const [method, end] of [
      ["GET", ""],
      ["DELETE", ""],
      ["POST", "/start"],
      ["POST", "/stop"],
      ["POST", "/archive"],
    ] as const) {
      expect([method, (await other.send(method, path + end)).status]).toEqual([method, 404]);
    }
    expect(await stateOf("mine")).toBe("none");
  });

  it("answers 502 with the reason if Daytona refuses it, and 503 if no provider is set up", async () => {
    const path = `${await makeProject("unreachable")}/sandbox`;
    const answer = await createClient(refused).send("POST", `${path}/start`);
    expect([answer.status, answer.body.code]).toEqual([502, "sandbox_failed"]);
    expect(answer.body.detail).toContain("Check DAYTONA_API_KEY");
    expect(answer.text).not.toContain("a key that is wrong");
    const none = createClient({ DAYTONA_API_KEY: "" });
    for (const [method, end] of [
      ["GET", ""],
      ["POST", "/start"],
    ] as const) {
      const absent = await none.send(method, path + end);
      expect([absent.status, absent.body.code]).toEqual([503, "not_configured"]);
    }
  });
});

describe("the deletion of a project", () => {
  it("also deletes its sandbox, its links and its tickets", async () => {
    const path = await makeProject("ended");
    await client.send("POST", `${path}/sandbox/start`);
    const at = new Date().toISOString();
    await env.DB.batch([
      env.DB.prepare(
        "INSERT INTO previews VALUES ('user_first', 'ended', 80, 'token-of-ended', 'http://x', ?, ?, NULL)",
      ).bind(at, at),
      env.DB.prepare("INSERT INTO tickets VALUES ('user_first', 'hash-of-ended', 'ended', ?, '{}')").bind(at),
      env.DB.prepare("INSERT INTO ssh_accesses VALUES ('user_first', 'ended', ?, ?, NULL)").bind(at, at),
    ]);
    expect((await client.send("DELETE", path)).status).toBe(204);
    expect(await stateOf("ended")).toBe("none");
    for (const table of ["projects", "previews", "tickets", "ssh_accesses"]) {
      const left = await env.DB.prepare(`SELECT * FROM ${table} WHERE project_id = 'ended'`).all();
      expect([table, left.results]).toEqual([table, []]);
    }
    expect((await client.send("DELETE", path)).status).toBe(404);
  });

  it("leaves a sandbox that Daytona could not delete to the queue, which retries until it is deleted", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const path = await makeProject("left");
    await client.send("POST", `${path}/sandbox/start`);
    const { jobs, JOBS } = catchJobs();
    const cut = createClient({ ...refused, JOBS });
    expect((await cut.send("DELETE", path)).status).toBe(204);
    expect((await client.send("GET", path)).status).toBe(404);
    expect(jobs).toMatchObject([{ type: "delete_sandbox", project_id: "left", attempt: 1 }]);

    await deliver(jobs[0], { ...refused, JOBS });
    expect(jobs).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
    expect(await stateOf("left")).toBe("started");
    await deliver(jobs[1], { JOBS });
    expect(await stateOf("left")).toBe("none");
    // A queue may deliver the same job twice.
    await deliver(jobs[1], { JOBS }, "taskloom-dead");
    expect(jobs).toHaveLength(2);
  });

  it("leaves the sandbox alone while the project is there again, as after D1 was restored", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const path = await makeProject("restored");
    await client.send("POST", `${path}/sandbox/start`);
    const { body } = await client.send("GET", path);
    const { jobs, JOBS } = catchJobs();
    expect((await createClient({ ...refused, JOBS }).send("DELETE", path)).status).toBe(204);
    const restore =
      "INSERT INTO projects (user_id, project_id, name, created_at, updated_at) VALUES (?1, ?2, '', ?3, ?3)";
    await env.DB.prepare(restore).bind("user_first", "restored", body.created_at).run();
    await deliver(jobs[0], { JOBS });
    expect(await stateOf("restored")).toBe("started");
    // It may be deleted once more.
    expect(jobs).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
    await env.DB.prepare("DELETE FROM projects WHERE user_id = 'user_first' AND project_id = 'restored'").run();
    await deliver(jobs[1], { JOBS });
    expect(await stateOf("restored")).toBe("none");
  });

  it("does not touch the sandbox of a new project with the same id, which never gets the former one's sandbox", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const path = await makeProject("again");
    await client.send("POST", `${path}/sandbox/start`);
    const former = await daytona.get(await sandboxName("user_first", "again"));
    const { jobs, JOBS } = catchJobs();
    await createClient({ ...refused, JOBS }).send("DELETE", path);

    await makeProject("again");
    await client.send("POST", `${path}/sandbox/start`);
    // Its name leads nowhere for ten seconds.
    const kept = await readSandboxId(env.DB, { user_id: "user_first", project_id: "again" });
    const successor = await daytona.get(kept ?? "");
    expect(successor.id).not.toBe(former.id);
    await deliver(jobs[0], { JOBS });
    expect((await daytona.get(successor.id)).state).toBe("started");
    await client.send("DELETE", path);
    await expect(daytona.get(successor.id)).rejects.toMatchObject({ statusCode: 404 });
  });

  it("fails and keeps the project if neither Daytona nor the queue accepts the sandbox's deletion", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    vi.spyOn(console, "error").mockImplementation(() => {});
    const path = await makeProject("kept");
    const JOBS = { send: () => Promise.reject(new Error("the queue is away")) } as unknown as Queue<unknown>;
    const cut = createClient({ ...refused, JOBS });
    expect((await cut.send("DELETE", path)).status).toBe(500);
    expect((await client.send("GET", path)).status).toBe(200);
  });
});
