// Agents and their versions over HTTP: what makes a version, pins, rollbacks, and the version that a run starts with.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { readStartingAgent } from "../../src/store/agents/versions.ts";
import { type Client, createClient } from "./http-client.ts";
import { readUntil, threadClient } from "./thread-client.ts";

/** A new user with an agent in three versions, whose `max_steps` is ten times the version. */
async function madeAgent(user_id: string, agent_id = "a") {
  const client = await createClient().addUser(user_id);
  const path = `/v1/agents/${agent_id}`;
  if (agent_id === "a") await client.send("POST", "/v1/agents", { agent_id, name: "A", max_steps: 10 });
  await client.send("PATCH", path, { name: "B", max_steps: 20 });
  await client.send("PATCH", path, { max_steps: 30 });
  const starting = async () => (await readStartingAgent(env.DB, user_id, agent_id, null))?.version;
  return { client, path, starting };
}

async function versionsOf(client: Client, path: string): Promise<unknown[]> {
  return ((await client.send("GET", `${path}/versions`)).body.data ?? []).map(({ version }) => version);
}

describe("a change of an agent", () => {
  it("that changes nothing makes no version, in whatever form it is written", async () => {
    const client = await createClient().addUser("user_same");
    const approvals = { execute_command: ["rm *", "git push*"], delete_file: ["*"] };
    await client.send("POST", "/v1/agents", { agent_id: "a", name: "A", approvals });
    for (const same of [
      {},
      { name: "A" },
      { max_steps: 100, tools: null },
      { approvals: ["delete_file", "execute_command: rm *", "execute_command: git push*", "delete_file: *"] },
    ]) {
      expect(await client.send("PATCH", "/v1/agents/a", same)).toMatchObject({
        status: 200,
        body: { version: 1, approvals },
      });
    }
    expect(await versionsOf(client, "/v1/agents/a")).toEqual([1]);
    expect((await client.send("PATCH", "/v1/agents/agent_default", { temperature: null })).body.version).toBe(1);
    expect((await client.send("PATCH", "/v1/agents/a", { approvals: {} })).body).toMatchObject({
      version: 2,
      approvals: {},
    });
  });

  it("is one version each, even if many arrive at once, and all are merged", async () => {
    for (const path of ["/v1/agents/a", "/v1/agents/agent_default"]) {
      const client = await createClient().addUser(`user_races_${path.length}`);
      await client.send("POST", "/v1/agents", { agent_id: "a", name: "A" });
      const changes = [{ name: "C" }, { temperature: 1 }, { max_steps: 3 }, { tools: ["read_file", "read_file"] }];
      const answers = await Promise.all(changes.map((change) => client.send("PATCH", path, change)));
      expect(answers.map(({ body }) => body.version).toSorted()).toEqual([2, 3, 4, 5]);
      const merged = { name: "C", temperature: 1, max_steps: 3, tools: ["read_file"], version: 5 };
      expect((await client.send("GET", path)).body).toMatchObject(merged);
      expect(await versionsOf(client, path)).toEqual([5, 4, 3, 2, 1]);
    }
  });

  it("that competes with too many others is a conflict and not a failure of the server", async () => {
    const client = await createClient().addUser("user_crowd");
    await client.send("POST", "/v1/agents", { agent_id: "a", name: "A" });
    const posts = Array.from({ length: 30 }, (_, at) => client.send("PATCH", "/v1/agents/a", { max_steps: at + 1 }));
    const answers = await Promise.all(posts);
    const made = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ body }) => body.code === "version_conflict");
    expect(made.length + refused.length).toBe(30);
    expect((await client.send("GET", "/v1/agents/a")).body.version).toBe(made.length + 1);
  });
});

describe.each([["a"], ["agent_default"]])("the versions of %s", (agent_id) => {
  const user = (name: string) => `user_${name}_${agent_id}`;

  it("are read one by one and compared, in both directions", async () => {
    const { client, path } = await madeAgent(user("compare"), agent_id);
    const first = (await client.send("GET", `${path}/versions/1`)).body;
    expect(await client.send("GET", `${path}/versions/2`)).toMatchObject({
      status: 200,
      body: { agent_id, version: 2, name: "B", max_steps: 20, created_at: first.created_at, pinned_version: null },
    });
    const compare = async (query: string) => (await client.send("GET", `${path}/compare?${query}`)).body;
    expect(await compare("from=1&to=3")).toEqual({
      agent_id,
      from: 1,
      to: 3,
      changes: [
        { field: "name", from: first.name, to: "B" },
        { field: "max_steps", from: first.max_steps, to: 30 },
      ],
    });
    expect((await compare("from=3&to=2")).changes).toEqual([{ field: "max_steps", from: 30, to: 20 }]);
    expect((await compare("from=2&to=2")).changes).toEqual([]);
    for (const missing of ["versions/4", "compare?from=1&to=4", "compare?from=9007199254740991&to=1"]) {
      expect(await client.send("GET", `${path}/${missing}`)).toMatchObject({
        status: 404,
        body: { code: "not_found" },
      });
    }
  });

  it("can be pinned: runs start with the pinned one, while the agent shows the newest", async () => {
    const { client, path, starting } = await madeAgent(user("pin"), agent_id);
    expect(await starting()).toBe(3);
    const pinned = await client.send("PUT", `${path}/pin`, { version: 2 });
    expect(pinned).toMatchObject({ status: 200, body: { version: 3, max_steps: 30, pinned_version: 2 } });
    expect((await client.send("PATCH", path, { max_steps: 40 })).body).toMatchObject({ version: 4, pinned_version: 2 });
    expect(await starting()).toBe(2);
    const listed = (await client.send("GET", "/v1/agents")).body.data;
    expect(listed).toContainEqual(expect.objectContaining({ agent_id, version: 4, pinned_version: 2 }));
    expect((await client.send("PUT", `${path}/pin`, { version: 5 })).body.code).toBe("not_found");
    expect(await starting()).toBe(2);
    for (let times = 0; times < 2; times++) expect((await client.send("DELETE", `${path}/pin`)).status).toBe(204);
    expect(await starting()).toBe(4);
    expect((await client.send("GET", path)).body.pinned_version).toBeNull();
  });

  it("can be rolled back: an older one becomes the newest, and the pin stays", async () => {
    const { client, path, starting } = await madeAgent(user("back"), agent_id);
    await client.send("PUT", `${path}/pin`, { version: 2 });
    const first = (await client.send("GET", `${path}/versions/1`)).body;
    const back = await client.send("POST", `${path}/rollback`, { version: 1 });
    expect(back).toMatchObject({
      status: 200,
      body: { version: 4, name: first.name, max_steps: first.max_steps, pinned_version: 2 },
    });
    expect((await client.send("GET", `${path}/compare?from=1&to=4`)).body.changes).toEqual([]);
    expect(await starting()).toBe(2);
    expect((await client.send("POST", `${path}/rollback`, { version: 4 })).body.version).toBe(4);
    expect((await client.send("POST", `${path}/rollback`, { version: 5 })).body.code).toBe("not_found");
    expect(await versionsOf(client, path)).toEqual([4, 3, 2, 1]);
  });

  it("stay consistent if a change, a rollback and a pin arrive at once", async () => {
    const { client, path, starting } = await madeAgent(user("rush"), agent_id);
    const answers = await Promise.all([
      client.send("PATCH", path, { temperature: 1 }),
      client.send("POST", `${path}/rollback`, { version: 1 }),
      client.send("PUT", `${path}/pin`, { version: 2 }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await client.send("GET", path)).body).toMatchObject({ version: 5, pinned_version: 2 });
    expect(await versionsOf(client, path)).toEqual([5, 4, 3, 2, 1]);
    expect(await starting()).toBe(2);
  });
});

describe("the default agent", () => {
  it("has versions, comparison, rollback and pin before anybody has changed it", async () => {
    const client = await createClient().addUser("user_default_new");
    const path = "/v1/agents/agent_default";
    expect((await client.send("GET", `${path}/versions/1`)).body).toMatchObject({ version: 1, pinned_version: null });
    expect((await client.send("GET", `${path}/compare?from=1&to=1`)).body.changes).toEqual([]);
    expect((await client.send("POST", `${path}/rollback`, { version: 1 })).body.version).toBe(1);
    expect((await client.send("DELETE", `${path}/pin`)).status).toBe(204);
    for (const missing of [
      await client.send("GET", `${path}/versions/2`),
      await client.send("POST", `${path}/rollback`, { version: 2 }),
      await client.send("PUT", `${path}/pin`, { version: 2 }),
    ]) {
      expect(missing).toMatchObject({ status: 404, body: { code: "not_found" } });
    }
    const pinned = await client.send("PUT", `${path}/pin`, { version: 1 });
    expect(pinned.body).toMatchObject({ version: 1, pinned_version: 1 });
    await client.send("PATCH", path, { max_steps: 5 });
    expect(await readStartingAgent(env.DB, "user_default_new", "agent_default", null)).toMatchObject({ version: 1 });
    expect((await client.send("DELETE", path)).body.code).toBe("invalid_operation");
    expect((await client.send("GET", "/v1/agents")).body.data).toHaveLength(1);
  });
});

describe("a deleted agent", () => {
  it("leaves no version and no pin to a new agent with the same id", async () => {
    const { client, path, starting } = await madeAgent("user_again");
    await client.send("PUT", `${path}/pin`, { version: 2 });
    expect((await client.send("DELETE", path)).status).toBe(204);
    expect(await starting()).toBeUndefined();
    for (const [method, route, body] of [
      ["GET", "versions/1"],
      ["GET", "compare?from=1&to=2"],
      ["PUT", "pin", { version: 1 }],
      ["DELETE", "pin"],
      ["POST", "rollback", { version: 1 }],
    ] as const) {
      expect((await client.send(method, `${path}/${route}`, body)).body.code).toBe("not_found");
    }
    await client.send("POST", "/v1/agents", { agent_id: "a", name: "New" });
    expect((await client.send("GET", path)).body).toMatchObject({ version: 1, pinned_version: null });
    expect((await client.send("GET", `${path}/versions/2`)).status).toBe(404);
    expect(await starting()).toBe(1);
  });
});

describe("a run", () => {
  it("starts with the pinned version and records it; a run that names a model differs only in that", async () => {
    const { client, path } = await madeAgent("user_runs_pinned");
    await client.send("PATCH", path, { model: "newest" });
    await client.send("PUT", `${path}/pin`, { version: 2 });
    const thread = threadClient("user_runs_pinned");
    await readUntil(await thread.post("[[text hello]]", { agent_id: "a", invocation_id: "inv_a" }));
    await readUntil(await thread.post("[[text hello]]", { agent_id: "a", invocation_id: "inv_b", model: "mine" }));
    const runs = await Promise.all(["inv_a", "inv_b"].map((id) => thread.stub.getRun(thread.key, id)));
    expect(runs).toMatchObject([
      { value: { agent_id: "a", agent_version: 2, status: "completed", model: expect.not.stringMatching("newest") } },
      { value: { agent_id: "a", agent_version: 2, status: "completed", model: "mine" } },
    ]);
  });
});
