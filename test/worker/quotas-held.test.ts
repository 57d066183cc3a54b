// Quotas of what a user holds: exact however many ask at once, and a refused request writes nothing.
import { env } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { fixedLimits, quotas } from "../../src/protocol/money/quotas.ts";
import { connectSlackWorkspace } from "../../src/slack/workspaces.ts";
import { countedDatabase } from "./counted-database.ts";
import { MANY_OF_ALL, setLimits } from "./fixed-limits.ts";
import { type Client, createClient } from "./http-client.ts";

const counted = countedDatabase();
const app = createClient({
  DB: counted.db,
  ENCRYPTION_KEY: "a-key-of-at-least-32-characters!",
  DAYTONA_API_KEY: "k",
  QUOTAS: MANY_OF_ALL,
});

async function userWith(user_id: string, quotas: Record<string, number>): Promise<Client> {
  const client = await app.addUser(user_id);
  await env.DB.prepare("UPDATE users SET quotas = ?2 WHERE user_id = ?1").bind(user_id, JSON.stringify(quotas)).run();
  return client;
}

/** So many of a kind may be had with so many things. */
const thingsFor = (kind: "agents" | "api_keys" | "triggers" | "git_credentials", room: number) =>
  (room * quotas.things.usual) / fixedLimits[kind].usual;

const rows = (table: string, user_id: string) =>
  env.DB.prepare(`SELECT count(*) AS count FROM ${table} WHERE user_id = ?1`).bind(user_id).first("count");

afterEach(() => void vi.useRealTimers());

const trigger = { type: "schedule", cron: "0 9 * * *", prompt: "Report." };

describe("of fifty requests at once, as many are admitted as a quota has room for", () => {
  it.each([
    ["agents", "agents", (n: number) => ["POST", "/v1/agents", { name: `a${n}` }]],
    ["api_keys", "api_keys", (n: number) => ["POST", "/v1/api-keys", { name: `k${n}` }]],
    ["triggers", "triggers", () => ["POST", "/v1/triggers", trigger]],
    [
      "git_credentials",
      "secrets",
      (n: number) => ["POST", "/v1/git-credentials", { host: `git${n}.example.com`, username: "u", password: "p" }],
    ],
  ] as const)("%s", async (quota, table, request) => {
    const user_id = `user_fifty_${quota}`;
    const room = 7;
    const before = quota === "api_keys" ? 1 : 0;
    const client = await userWith(user_id, { things: thingsFor(quota, room + before) });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => {
        const [method, path, body] = request(n) as [string, string, unknown];
        return client.send(method, path, body);
      }),
    );
    const refused = answers.filter(({ body }) => body.code === "quota_exceeded");
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(room);
    expect(refused).toHaveLength(50 - room);
    expect(refused.every(({ status }) => status === 409)).toBe(true);
    expect(await rows(table, user_id)).toBe(room + before);
    expect(refused[0]?.body.detail).toContain("(things)");
    expect(refused[0]?.body.detail).toContain("Delete what you no longer need");
  });
});

describe("a request that has no room", () => {
  it("is the second of a kind where a user may have few things", async () => {
    const client = await userWith("user_few_things", { things: 7 });
    const make = () => client.send("POST", "/v1/triggers", trigger);
    expect((await make()).status).toBe(201);
    expect((await make()).body.code).toBe("quota_exceeded");
  });

  it("writes nothing, not even to the audit", async () => {
    const client = await userWith("user_no_room", {});
    await client.send("POST", "/v1/git-credentials", { host: "one.example.com", username: "u", password: "p" });
    const project = (await client.send("POST", "/v1/projects", { name: "P" })).body.project_id;
    await env.DB.prepare(`UPDATE users SET quotas = '{"things":0}' WHERE user_id = 'user_no_room'`).run();
    setLimits({ tickets: 0, webhooks: 0 });
    const requests: [string, unknown][] = [
      ["/v1/agents", { name: "a" }],
      ["/v1/api-keys", { name: "k" }],
      ["/v1/triggers", trigger],
      ["/v1/triggers", { type: "webhook", verify: { scheme: "standard" }, prompt: "x" }],
      ["/v1/webhooks", { url: "https://hooks.example.com/a", events: ["run.failed"] }],
      ["/v1/git-credentials", { host: "two.example.com", username: "u", password: "p" }],
      [`/v1/projects/${project}/sandbox/terminal`, {}],
    ];
    counted.written.length = 0;
    for (const [path, body] of requests) {
      const answer = await client.send("POST", path, body);
      expect([path, answer.status, answer.body.code, answer.body.detail]).toEqual([
        path,
        409,
        "quota_exceeded",
        expect.any(String),
      ]);
    }
    expect(counted.written).toEqual([]);
    // What replaces something needs no room.
    const again = { host: "one.example.com", username: "u", password: "other" };
    expect((await client.send("POST", "/v1/git-credentials", again)).status).toBe(201);
  });
});

describe("Slack workspaces", () => {
  it("are no more than the quota, and one that is connected may be connected again", async () => {
    await userWith("user_slack_quota", {});
    setLimits({ slack_workspaces: 1 });
    const at = new Date().toISOString();
    const ports = { database: env.DB, encryption_keys: ["a-key-of-at-least-32-characters!"], slack: null };
    const connect = (team_id: string) =>
      connectSlackWorkspace(
        ports,
        {
          ...{
            user_id: "user_slack_quota",
            team_id,
            team_name: "T",
            bot_user_id: "U",
            agent_id: null,
            project_id: null,
          },
          ...{ created_at: at, updated_at: at, made_by: null },
        },
        "xoxb-token",
      );
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => connect(`TQUOTA${n}`)));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    expect(answers.find(({ ok }) => !ok)).toMatchObject({ error: { code: "quota_exceeded" } });
    expect(await connect(`TQUOTA${answers.findIndex(({ ok }) => ok)}`)).toMatchObject({ ok: true });
  });
});

describe("GET /v1/quotas", () => {
  it("lists each quota with the user's own limit, and what is used where that is known", async () => {
    const client = await userWith("user_reads_quotas", { things: 500 });
    await client.send("POST", "/v1/agents", { name: "a" });
    await client.send("POST", "/v1/threads", {});
    const { body } = await client.send("GET", "/v1/quotas");
    const of = (name: string) => body.data?.find((quota) => quota.name === name);
    expect(body.data?.map(({ name }) => name)).toEqual(Object.keys(quotas));
    // A key is one of the five that 500 things permit, which is more of its part than the agent and the thread.
    expect(of("things")).toMatchObject({ limit: 500, used: 100, counted: "isolate", is_rate: false });
    expect(of("sandboxes")).toMatchObject({ used: 0, counted: "D1", is_rate: false });
    expect(of("runs_per_minute")).toMatchObject({ used: null });
  });
});

describe("versions of an agent", () => {
  it("stop at their number, whatever the change is", async () => {
    const client = await userWith("user_versions_end", {});
    setLimits({ agent_versions: 3 });
    await client.send("POST", "/v1/agents", { agent_id: "a", name: "A" });
    const changes = await Promise.all(
      Array.from({ length: 5 }, (_, n) => client.send("PATCH", "/v1/agents/a", { max_steps: n + 1 })),
    );
    expect(changes.filter(({ status }) => status === 200)).toHaveLength(2);
    expect(await rows("agent_versions", "user_versions_end")).toBe(3);
    const rolled = await client.send("POST", "/v1/agents/a/rollback", { version: 1 });
    expect(rolled.body).toMatchObject({ code: "quota_exceeded", detail: expect.stringContaining("agent_versions") });
    // A change that changes nothing stores nothing.
    expect((await client.send("PATCH", "/v1/agents/a", {})).status).toBe(200);
  });

  it("are so many in a minute, over all agents of the user, and the refusal says when it ends", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const client = await userWith("user_versions_rate", {});
    setLimits({ agent_versions_per_minute: 10 });
    for (const agent_id of ["a", "b"]) await client.send("POST", "/v1/agents", { agent_id, name: "A" });
    const large = "x".repeat(20_000);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        client.send("PATCH", `/v1/agents/${["a", "b", "agent_default"][n % 3]}`, { instructions: `${n}${large}` }),
      ),
    );
    const versions = Number(await rows("agent_versions", "user_versions_rate"));
    expect(versions).toBeLessThanOrEqual(10 + 1);
    expect(answers.map(({ body }) => body.code ?? "stored")).toContain("quota_exceeded");
    counted.written.length = 0;
    const late = await client.send("PATCH", "/v1/agents/a", { instructions: "late" });
    expect(late.body.code).toBe("quota_exceeded");
    expect(await rows("agent_versions", "user_versions_rate")).toBe(versions);
    // From memory, and before its body is read.
    expect((await client.send("PATCH", "/v1/agents/b", "{")).body.code).toBe("quota_exceeded");
    const other = await (await app.addUser("user_versions_other")).send("PATCH", "/v1/agents/agent_default", {
      max_steps: 3,
    });
    expect(other.status).toBe(200);
  });
});
