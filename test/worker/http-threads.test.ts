// Threads, projects and agents over HTTP: what the routes keep in D1 and what they ask of an object.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { diagnostics } from "../../src/http/examples.ts";
import { syncThread } from "../../src/store/sync.ts";
import { createClient } from "./http-client.ts";
import { at } from "./http-fake-threads.ts";

describe("threads and projects", () => {
  it("are made, changed, listed and deleted", async () => {
    const client = await createClient().addUser("user_resources");
    const project = await client.send("POST", "/v1/projects", { name: "Shop", sandbox: { snapshot: "s" } });
    expect(project).toMatchObject({ status: 201, body: { name: "Shop", git: null, sandbox: { snapshot: "s" } } });
    const { project_id } = project.body;
    expect(project.headers.get("location")).toBe(`/v1/projects/${project_id}`);
    const changed = await client.send("PATCH", `/v1/projects/${project_id}`, { sandbox: null });
    expect(changed).toMatchObject({ status: 200, body: { name: "Shop", sandbox: null } });
    const thread = await client.send("POST", "/v1/threads", { project_id, metadata: { a: 1 } });
    expect(thread).toMatchObject({ status: 201, body: { project_id, metadata: { a: 1 }, agent_id: "agent_default" } });
    const path = `/v1/threads/${thread.body.thread_id}`;
    expect((await client.send("PATCH", path, { title: "New" })).body.title).toBe("New");
    expect((await client.send("GET", path)).body.title).toBe("New");
    expect((await client.send("GET", `${path}/messages`)).body).toEqual({ data: [], next_cursor: null });
    expect((await client.send("GET", `${path}/tasks`)).body).toMatchObject({ version: 0, next_task: null });
    expect((await client.send("GET", `${path}/diagnostics`)).body).toEqual(diagnostics);
    expect((await client.send("DELETE", path)).status).toBe(204);
    expect((await client.send("DELETE", path)).status).toBe(404);
    expect((await client.send("GET", path)).status).toBe(404);
  });

  it("ask for messages of the requested types, and refuse unknown types", async () => {
    const client = await createClient().addUser("user_types");
    await client.send("POST", "/v1/threads", { thread_id: "t" });
    const askFor = async (query: string) => {
      expect((await client.send("GET", `/v1/threads/t/messages${query}`)).status).toBe(200);
      return client.threads.asked.at(-1);
    };
    expect(await askFor("")).toMatchObject({ method: "readMessages", input: { types: [], after: null } });
    expect(await askFor("?type=user,task_list")).toMatchObject({ input: { types: ["user", "task_list"] } });
    expect(await askFor("?after=msg_0&limit=1")).toMatchObject({ input: { after: "msg_0", limit: 1 } });
    for (const query of ["?type=user,nonsense", "?type="]) {
      const answer = await client.send("GET", `/v1/threads/t/messages${query}`);
      expect(answer).toMatchObject({ status: 400, body: { code: "invalid_field" } });
    }
  });

  it("that only D1 knows are deleted there", async () => {
    const client = await createClient().addUser("user_lost");
    const key = { user_id: "user_lost", thread_id: "lost" };
    const thread = {
      ...key,
      project_id: "p",
      title: null,
      agent_id: "a",
      metadata: {},
      created_at: at,
      updated_at: at,
    };
    await syncThread(env.DB, { key, project: null, thread: { ...thread, version: 1 }, messages: [], runs: [] });
    expect((await client.send("DELETE", "/v1/threads/lost")).status).toBe(204);
    expect((await client.send("GET", "/v1/threads")).body.data).toEqual([]);
  });

  it("are refused with an id that is taken", async () => {
    const client = await createClient().addUser("user_taken");
    for (const [path, body] of [
      ["projects", { project_id: "x", name: "X" }],
      ["threads", { thread_id: "x" }],
      ["agents", { agent_id: "x", name: "X" }],
    ] as const) {
      expect((await client.send("POST", `/v1/${path}`, body)).status).toBe(201);
      expect(await client.send("POST", `/v1/${path}`, body)).toMatchObject({
        status: 409,
        body: { code: "already_exists" },
      });
    }
  });

  it("refuse a git address that carries a password or is no web address", async () => {
    const client = createClient();
    for (const url of ["https://a:b@host/x", "file:///etc", "ssh://git@host/x", "nonsense"]) {
      const answer = await client.send("POST", "/v1/projects", { name: "P", git: { url } });
      expect(answer).toMatchObject({
        status: 400,
        body: { code: "invalid_field", detail: expect.stringMatching(/^git\.url: /) },
      });
    }
  });

  it("refuse a folder or branch of the repository that no clone can have", async () => {
    const client = createClient();
    for (const [field, value] of Object.entries({ path: "../elsewhere", branch: "--upload-pack=x" })) {
      const git = { url: "https://github.com/a/b", [field]: value };
      const body = { code: "invalid_field", detail: expect.stringMatching(`^git\\.${field}: `) };
      expect(await client.send("POST", "/v1/projects", { name: "P", git })).toMatchObject({ status: 400, body });
    }
  });

  it("are deleted together: a project takes its many threads along, each through its object", async () => {
    const client = await createClient().addUser("user_many");
    await client.send("POST", "/v1/projects", { project_id: "p", name: "P" });
    for (let index = 0; index < 45; index++) await client.send("POST", "/v1/threads", { project_id: "p" });
    await client.send("POST", "/v1/threads", { thread_id: "other" });
    expect((await client.send("DELETE", "/v1/projects/p")).status).toBe(204);
    const left = await client.send("GET", "/v1/threads");
    expect(left.body.data?.map(({ thread_id }) => thread_id)).toEqual(["other"]);
    expect(client.threads.asked.filter(({ method }) => method === "remove")).toHaveLength(45);
  });
});

describe("agents", () => {
  it("get a version for each change, and defaults only when they are made", async () => {
    const client = await createClient().addUser("user_agents_http");
    const made = await client.send("POST", "/v1/agents", { agent_id: "a", name: "A", max_steps: 9 });
    expect(made).toMatchObject({ status: 201, body: { version: 1, max_steps: 9, plan_order: "strict", model: null } });
    const changed = await client.send("PATCH", "/v1/agents/a", { plan_order: "free" });
    expect(changed.body).toMatchObject({ version: 2, max_steps: 9, plan_order: "free", name: "A" });
    const versions = await client.send("GET", "/v1/agents/a/versions");
    expect(versions.body.data?.map(({ version, plan_order }) => [version, plan_order])).toEqual([
      [2, "free"],
      [1, "strict"],
    ]);
    expect((await client.send("DELETE", "/v1/agents/a")).status).toBe(204);
    expect((await client.send("GET", "/v1/agents/a")).status).toBe(404);
    const forever = await client.send("DELETE", "/v1/agents/agent_default");
    expect(forever).toMatchObject({ status: 422, body: { code: "invalid_operation" } });
  });
});
