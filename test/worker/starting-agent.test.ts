// What a new run begins with, read from D1: the agent's version, and the caps of the run's user and project.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import { readStartingAgent } from "../../src/store/agents/versions.ts";
import { createPorts } from "../../src/thread/ports.ts";
import { createClient } from "./http-client.ts";

const DEFAULT = "agent_default";

/** Counts the statements that reach D1. */
function counting(): { db: D1Database; statements: () => number } {
  let statements = 0;
  const db = new Proxy(env.DB, {
    get: (target, name) => {
      if (name === "prepare") statements += 1;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { db, statements: () => statements };
}

async function setCaps(user_id: string, project_id: string, user: string | null, project: string | null) {
  await env.DB.batch([
    env.DB.prepare(
      "INSERT INTO users (user_id, created_at, caps) VALUES (?1, '', ?2) ON CONFLICT (user_id) DO UPDATE SET caps = ?2",
    ).bind(user_id, user),
    env.DB.prepare(
      `INSERT INTO projects (user_id, project_id, name, created_at, updated_at, caps) VALUES (?1, ?2, 'P', '', '', ?3)
       ON CONFLICT DO UPDATE SET caps = ?3`,
    ).bind(user_id, project_id, project),
  ]);
}

describe("the agent of a new run", () => {
  it("comes with the caps of its user and project, in one statement, also if it has no row", async () => {
    await setCaps("user_a1", "p", '{"day":{"max_cost_usd":3},"month":null}', '{"max_total_tokens":9}');
    await setCaps("user_other", "p", '{"day":{"max_cost_usd":99}}', '{"max_total_tokens":99}');
    const client = await createClient().addUser("user_a2");
    await client.send("POST", "/v1/agents", { agent_id: "a", name: "A", max_steps: 7 });
    await setCaps("user_a2", "p", '{"month":{"max_minutes":1.5}}', null);
    const { db, statements } = counting();
    expect(await readStartingAgent(db, "user_a1", DEFAULT, "p")).toMatchObject({
      ...{ agent_id: DEFAULT, version: 1 },
      caps: { user: { day: { max_cost_usd: 3 } }, project: { max_total_tokens: 9 } },
    });
    expect(await readStartingAgent(db, "user_a2", "a", "p")).toMatchObject({
      ...{ agent_id: "a", config: { max_steps: 7 } },
      caps: { user: { month: { max_minutes: 1.5 } }, project: null },
    });
    expect(await readStartingAgent(db, "user_nobody", DEFAULT, null)).toMatchObject({
      ...{ agent_id: DEFAULT, version: 1 },
      caps: { user: null, project: null },
    });
    expect(await readStartingAgent(db, "user_a1", "a", "p")).toBeNull();
    expect(statements()).toBe(4);
  });

  it("is refused if its caps can't be read, rather than run without them", async () => {
    for (const [user, project] of [
      ['{"day":', null],
      ['{"day":{"max_cost_usd":"much"}}', null],
      [null, "[1]x"],
      [null, '"no caps"'],
    ] as const) {
      await setCaps("user_a3", "p", user, project);
      await expect(readStartingAgent(env.DB, "user_a3", DEFAULT, "p")).rejects.toThrow("can't be read");
    }
  });

  it("has the new caps at once after a change of its user or project in this isolate", async () => {
    const client = await createClient().addUser("user_a4");
    await client.send("POST", "/v1/projects", { project_id: "p", name: "P" });
    const ports = createPorts(readConfig(env), env.DB, env.JOBS);
    const read = async () => (await ports.readAgent("user_a4", DEFAULT, "p"))?.caps;
    expect(await read()).toEqual({ user: null, project: null });
    await setCaps("user_a4", "p", '{"day":{"max_minutes":1}}', '{"max_minutes":2}');
    expect(await read()).toEqual({ user: null, project: null });
    await client.send("PATCH", "/v1/projects/p", { name: "Q" });
    const user = { day: { max_minutes: 1 }, month: null };
    expect(await read()).toEqual({ user, project: { max_minutes: 2 } });
    await setCaps("user_a4", "p", null, null);
    await createClient().send("PATCH", "/v1/users/user_a4", { name: "Ada" });
    expect(await read()).toEqual({ user: null, project: null });
    expect(ports.budgetScopes({ user, project: null }, "user_a4", "p", 0)).toMatchObject([
      { scope: "user", id: "user_a4", period: "1970-01-01" },
    ]);
  });
});

describe("the network of a project", () => {
  it("is known once the agent was read with it, until its project changes in this isolate", async () => {
    const user_id = "user_network";
    const client = await createClient().addUser(user_id);
    await client.send("POST", "/v1/projects", {
      project_id: "p",
      name: "P",
      sandbox: { network: { block_all: true } },
    });
    await client.send("POST", "/v1/projects", { project_id: "q", name: "Q" });
    const { readAgent, knownNetwork } = createPorts(readConfig(env), env.DB, env.JOBS);
    const known = (project_id: string) => knownNetwork(user_id, DEFAULT, project_id);
    await readAgent(user_id, DEFAULT, null);
    expect(["p", "q", "none"].map(known)).toEqual([undefined, undefined, undefined]);
    for (const project_id of ["p", "q", "none"]) await readAgent(user_id, DEFAULT, project_id);
    expect(["p", "q", "none"].map(known)).toEqual([{ block_all: true }, {}, {}]);
    await client.send("PATCH", "/v1/projects/p", { sandbox: null });
    expect(known("p")).toBeUndefined();
    await env.DB.prepare("UPDATE projects SET sandbox = '{x' WHERE user_id = ?1").bind(user_id).run();
    await readAgent(user_id, DEFAULT, "p");
    expect(known("p")).toBeUndefined();
  });

  it("is that of the project which is made under a name that was known, and so are its caps", async () => {
    const user_id = "user_anew";
    const client = await createClient().addUser(user_id);
    const { readAgent, knownNetwork } = createPorts(readConfig(env), env.DB, env.JOBS);
    const make = async (more: object) => {
      expect((await client.send("POST", "/v1/projects", { project_id: "p", name: "P", ...more })).status).toBe(201);
      const caps = (await readAgent(user_id, DEFAULT, "p"))?.caps?.project;
      return { caps, network: knownNetwork(user_id, DEFAULT, "p") };
    };
    await readAgent(user_id, DEFAULT, "p");
    const first = { max_total_tokens: 9, sandbox: { network: { block_all: true } } };
    expect(await make(first)).toEqual({ caps: { max_total_tokens: 9 }, network: { block_all: true } });
    expect((await client.send("DELETE", "/v1/projects/p")).status).toBe(204);
    expect(await make({})).toEqual({ caps: null, network: {} });
  });
});

describe("the agent that a run names", () => {
  it("is read once for runs that follow each other, and not found once it is deleted", async () => {
    const { db, statements } = counting();
    const client = await createClient({ DB: db }).addUser("user_named");
    await client.send("POST", "/v1/agents", { agent_id: "a", name: "A" });
    const run = async () => {
      const before = statements();
      const { status } = await client.send("POST", "/v1/threads/t/runs", { message: "hi", agent_id: "a" });
      return { status, statements: statements() - before };
    };
    await client.send("POST", "/v1/threads/t/runs", { message: "hi" });
    expect(await run()).toEqual({ status: 202, statements: 1 });
    expect(await run()).toEqual({ status: 202, statements: 0 });
    await client.send("DELETE", "/v1/agents/a");
    expect((await run()).status).toBe(404);
    const agUi = { threadId: "t", runId: "r", messages: [{ id: "m", role: "user", content: "hi" }] };
    expect((await client.send("POST", "/ag-ui/a", agUi)).status).toBe(404);
  });
});
