// Lists, cursors and the sweeper's query, in the real local database.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { agentConfig, defaultAgent } from "../../src/protocol/agents/agent.ts";
import { fail, type Result, succeed } from "../../src/protocol/error.ts";
import { ADMIN_KEY_ID } from "../../src/protocol/ids.ts";
import type { Page, PageRequest } from "../../src/protocol/page.ts";
import type { Project } from "../../src/protocol/project.ts";
import {
  createAgent,
  deleteAgent,
  listAgents,
  listAgentVersions,
  readAgent,
  updateAgent,
} from "../../src/store/agents/agents.ts";
import { createApiKey, listApiKeys } from "../../src/store/api-keys.ts";
import { createUser } from "../../src/store/people/users.ts";
import { createProject, listProjects } from "../../src/store/projects/projects.ts";
import { TAKE_SILENT_RUNS, takeSilentRuns } from "../../src/store/runs.ts";
import { syncThread } from "../../src/store/sync.ts";
import { readStoredRuns } from "../fakes/stored-rows.ts";
import { at, makeRun } from "./http-fake-threads.ts";

function unwrap<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.error.detail);
  return result.value;
}

/** All items of a list, read page by page. */
async function readAll<T>(limit: number, read: (request: PageRequest) => Promise<Result<Page<T>>>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = unwrap(await read({ limit, cursor }));
    expect(page.data.length).toBeLessThanOrEqual(limit);
    items.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return items;
}

function makeProject(user_id: string, project_id: string, created_at: string): Project {
  return {
    user_id,
    project_id,
    name: project_id,
    git: null,
    sandbox: null,
    caps: null,
    retention_days: null,
    created_at,
    updated_at: created_at,
  };
}

describe("a list", () => {
  it("is read newest first with any page size, each row once, even if many have the same time", async () => {
    const user_id = "user_pages";
    for (let index = 0; index < 7; index++) {
      await createProject(env.DB, makeProject(user_id, `p${index}`, index < 4 ? at : "2026-11-25T00:00:00.000Z"));
    }
    for (const limit of [1, 2, 3, 7, 8]) {
      const all = await readAll(limit, (request) => listProjects(env.DB, user_id, request));
      expect(all.map((project) => project.project_id)).toEqual(["p6", "p5", "p4", "p3", "p2", "p1", "p0"]);
    }
  });

  it("refuses a cursor that it did not make", async () => {
    for (const cursor of ["x", "!!", "W10", btoa("[1,2]"), btoa('["a"]'), btoa('{"a":1}'), "é"]) {
      const page = await listProjects(env.DB, "user_pages", { limit: 5, cursor });
      expect(page).toMatchObject({ ok: false, error: { code: "bad_cursor" } });
    }
  });

  it("returns a user's keys without their hashes", async () => {
    await createApiKey(env.DB, "user_keys", {
      key_id: "key_1",
      name: "one",
      created_at: at,
      hash: "secret",
      kind: "key",
      made_by: null,
      scopes: ["read"],
      expires_at: at,
    });
    const keys = await readAll(1, (request) => listApiKeys(env.DB, "user_keys", request));
    const limits = { scopes: ["read"], expires_at: at, last_used_at: null };
    expect(keys).toEqual([{ key_id: "key_1", name: "one", created_at: at, made_by: null, ...limits }]);
  });
});

describe("createUser", () => {
  it("stores neither user nor key if the id is taken", async () => {
    const user = { user_id: "user_once", name: null, email: null, role: null, created_at: at };
    const limits = { kind: "key" as const, scopes: null, expires_at: null };
    const key = (key_id: string) => ({
      key_id,
      name: null,
      hash: key_id,
      created_at: at,
      made_by: ADMIN_KEY_ID,
      ...limits,
    });
    expect(await createUser(env.DB, user, key("key_a"), "user_first")).toBe(null);
    expect(await createUser(env.DB, user, key("key_b"), "user_first")).toBe("id");
    expect(await createUser(env.DB, { ...user, user_id: "user_first" }, key("key_c"), "user_first")).toBe("id");
    const keys = await readAll(9, (request) => listApiKeys(env.DB, "user_once", request));
    expect(keys.map(({ key_id }) => key_id)).toEqual(["key_a"]);
  });
});

describe("agents in D1", () => {
  const agent = { ...defaultAgent, agent_id: "agent-1", created_at: at, updated_at: at };

  it("include the default agent for every user, last in the list and once", async () => {
    expect(await readAgent(env.DB, "user_agents", "agent_default")).toEqual(defaultAgent);
    expect(await createAgent(env.DB, "user_agents", defaultAgent)).toBe("taken");
    await createAgent(env.DB, "user_agents", agent);
    const ids = async (limit: number) =>
      (await readAll(limit, (request) => listAgents(env.DB, "user_agents", request))).map(({ agent_id }) => agent_id);
    for (const limit of [1, 2, 3]) expect(await ids(limit)).toEqual(["agent-1", "agent_default"]);
    await updateAgent(env.DB, "user_agents", "agent_default", { config: { max_steps: 7 } }, Date.parse(at));
    for (const limit of [1, 2, 3]) expect(await ids(limit)).toEqual(["agent-1", "agent_default"]);
  });

  it("store each of many concurrent changes as a version of its own, all merged", async () => {
    await createAgent(env.DB, "user_versions", agent);
    const changes = [{ instructions: "a" }, { model: "b" }, { max_steps: 3 }, { plan_order: "free" as const }];
    await Promise.all(
      changes.map((config) => updateAgent(env.DB, "user_versions", "agent-1", { config }, Date.parse(at))),
    );
    const changed = await readAgent(env.DB, "user_versions", "agent-1");
    expect(changed).toMatchObject({
      version: 5,
      config: { instructions: "a", model: "b", max_steps: 3, plan_order: "free" },
    });
    const versions = await readAll(2, async (request) => {
      const page = await listAgentVersions(env.DB, "user_versions", "agent-1", request);
      return page.ok && page.value !== null ? succeed(page.value) : fail("not_found", "There is no agent.");
    });
    expect(versions.map(({ version }) => version)).toEqual([5, 4, 3, 2, 1]);
    expect(versions.at(-1)?.config).toEqual(agentConfig.parse({}));
  });

  it("are unknown to another user, and gone when deleted", async () => {
    await createAgent(env.DB, "user_delete", agent);
    expect(await readAgent(env.DB, "user_other", "agent-1")).toBeNull();
    expect(await updateAgent(env.DB, "user_other", "agent-1", { config: {} }, 0)).toMatchObject({
      ok: false,
      error: { code: "not_found" },
    });
    expect(await deleteAgent(env.DB, "user_other", "agent-1")).toBe(false);
    expect(await deleteAgent(env.DB, "user_delete", "agent-1")).toBe(true);
    expect(await readAgent(env.DB, "user_delete", "agent-1")).toBeNull();
  });
});

describe("takeSilentRuns", () => {
  it("takes live runs that D1 has no news of, the longest silent first, each once", async () => {
    const key = { user_id: "user_sweep", thread_id: "t" };
    const states = ["queued", "running", "completed", "running", "interrupted"] as const;
    const runs = states.map((status, index) => ({
      ...makeRun(key, { invocation_id: `inv-${index}`, status }),
      version: 1,
    }));
    await syncThread(env.DB, { key, project: null, thread: null, messages: [], runs });
    const silent = "UPDATE runs SET updated_at = ?1 WHERE user_id = 'user_sweep' AND invocation_id = ?2";
    await env.DB.prepare(silent).bind("2026-01-02T00:00:00.000Z", "inv-0").run();
    await env.DB.prepare(silent).bind("2026-01-01T00:00:00.000Z", "inv-3").run();
    await env.DB.prepare(silent).bind("2026-01-01T00:00:00.000Z", "inv-2").run();
    const take = () => takeSilentRuns(env.DB, Date.parse("2026-02-01"), Date.now(), 1);
    expect(await take()).toEqual([{ ...key, invocation_id: "inv-3" }]);
    expect(await take()).toEqual([{ ...key, invocation_id: "inv-0" }]);
    expect(await take()).toEqual([]);
    expect(await readStoredRuns(env.DB, key)).toHaveLength(5);
  });

  it("takes turns among users, however long the runs of one have been silent", async () => {
    const silence = async (user_id: string, ids: string[], updated_at: string) => {
      const key = { user_id, thread_id: "t" };
      const runs = ids.map((invocation_id) => ({
        ...makeRun(key, { invocation_id, status: "running" as const }),
        version: 1,
      }));
      await syncThread(env.DB, { key, project: null, thread: null, messages: [], runs });
      await env.DB.prepare("UPDATE runs SET updated_at = ? WHERE user_id = ?").bind(updated_at, user_id).run();
    };
    await silence("user_many", ["inv-1", "inv-2", "inv-3"], "2026-01-01T00:00:00.000Z");
    await silence("user_one", ["inv-4"], "2026-01-02T00:00:00.000Z");
    const taken = await takeSilentRuns(env.DB, Date.parse("2026-02-01"), Date.now(), 2);
    expect(taken.map(({ user_id }) => user_id).sort()).toEqual(["user_many", "user_one"]);
  });

  it("uses the partial index", async () => {
    const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${TAKE_SILENT_RUNS}`)
      .bind(at, at, 5)
      .all<{ detail: string }>();
    expect(plan.results.map(({ detail }) => detail).join()).toContain("runs_live");
  });
});
