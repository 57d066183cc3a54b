// Events of workspaces that are not connected, connected otherwise, or leave.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FIRST_USER_ID } from "../../src/protocol/ids.ts";
import { dropKeysOfFirstUser } from "./http-client.ts";
import { FakeThreads } from "./http-fake-threads.ts";
import { connect, createSlackClient, SIGNING_SECRET, TOKEN } from "./slack-client.ts";
import { mention, runsOf, start } from "./slack-mentions.ts";

beforeEach(() => {
  // Runs of these tests can't be shown anywhere, which is logged.
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("a workspace", () => {
  it("that nobody has connected gets an empty 200", async () => {
    const slack = createSlackClient();
    expect((await slack.event(mention, { team_id: "TNOBODY" })).status).toBe(200);
    expect(await runsOf("TNOBODY")).toBeNull();
    expect(slack.calls).toEqual([]);
  });

  it("whose token can't be decrypted, or that D1 can't find, makes Slack repeat the event", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { team_id } = await start();
    const otherKey = createSlackClient({ ENCRYPTION_KEY: "another key" });
    expect((await otherKey.event(mention, { team_id })).status).toBe(503);
    const away = createSlackClient({ DB: {} as D1Database });
    expect((await away.event(mention, { team_id })).status).toBe(500);
    expect(await runsOf(team_id)).toBeNull();
  });

  it("works for the key that connected its workspace, so that what it makes is revoked with the key", async () => {
    const threads = new FakeThreads(env.DB);
    const slack = createSlackClient({}, (own) => threads.within(own));
    const { key, key_id } = (await slack.ask("POST", "/v1/api-keys", {})).body;
    await connect(slack, "TMAKER", {}, String(key));
    expect((await slack.event(mention, { team_id: "TMAKER" })).status).toBe(200);
    await slack.settled();
    const accepted = threads.asked.filter(({ method }) => method === "accept");
    expect(accepted).toMatchObject([{ input: { key_id } }]);
    await dropKeysOfFirstUser();
  });

  it("gets a 503 while its thread is slow, and the work continues", async () => {
    const { team_id } = await start();
    const threads = new FakeThreads(env.DB);
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const slow = createSlackClient({}, (own) => {
      const fake = threads.within(own);
      const get = fake.THREADS.get.bind(fake.THREADS) as unknown as (id: string) => object;
      const late = (id: string) => ({
        ...get(id),
        accept: (input: unknown) => gate.then(() => (get(id) as { accept(input: unknown): unknown }).accept(input)),
      });
      return { ...fake, THREADS: { ...fake.THREADS, get: late } as unknown as typeof fake.THREADS };
    });
    expect((await slow.event(mention, { team_id })).status).toBe(503);
    open();
    await slow.settled();
    expect(threads.asked.map(({ method }) => method)).toEqual(["accept"]);
  });

  it("is disconnected when the app is removed, unless it is installed again", async () => {
    const { slack, team_id } = await start();
    const list = async () =>
      (await slack.ask("GET", "/v1/slack/workspaces?limit=200")).body.data?.map((each) => each.team_id);
    await slack.event({ type: "app_uninstalled" }, { team_id });
    expect(await list()).toContain(team_id);
    slack.answers.set("auth.test", () => new Response("", { status: 500 }));
    expect((await slack.event({ type: "app_uninstalled" }, { team_id })).status).toBe(503);
    slack.answers.set("auth.test", () => ({ ok: false, error: "account_inactive" }));
    expect((await slack.event({ type: "tokens_revoked", tokens: { bot: ["UBOT"] } }, { team_id })).status).toBe(200);
    expect(await list()).not.toContain(team_id);
    const secrets = await env.DB.prepare("SELECT name FROM secrets WHERE kind = 'slack' AND name = ?")
      .bind(team_id)
      .all();
    expect(secrets.results).toEqual([]);
    const entries = await env.DB.prepare(
      "SELECT action, outcome, actor_id, key_id, details FROM audit_entries WHERE user_id = ? AND target = ? AND key_id IS NULL",
    )
      .bind(FIRST_USER_ID, team_id)
      .all();
    const removed = { action: "slack_workspace.disconnect", outcome: "done", actor_id: null, key_id: null };
    expect(entries.results).toEqual([{ ...removed, details: '{"reason":"app_removed"}' }]);
  });

  it("stays connected if it was connected again during the check with Slack", async () => {
    const { slack, team_id } = await start();
    slack.answers.set("auth.test", async () => {
      await connect(slack, team_id);
      return { ok: false, error: "account_inactive" };
    });
    for (const status of [503, 200]) {
      expect((await slack.event({ type: "app_uninstalled" }, { team_id })).status).toBe(status);
    }
    await slack.event(mention, { team_id });
    expect(await runsOf(team_id)).toHaveLength(1);
  });

  it("keeps secrets out of answers and logs", async () => {
    const written: string[] = [];
    for (const name of ["log", "info", "warn", "error", "debug"] as const) {
      vi.spyOn(console, name).mockImplementation((...line) => void written.push(line.join(" ")));
    }
    const { slack, team_id } = await start();
    const otherKey = createSlackClient({ ENCRYPTION_KEY: "another key" });
    const answers = [
      await slack.event(mention, { team_id }),
      await slack.event(mention, { team_id: "TNOBODY" }),
      await slack.sendSigned("events", "{", {}),
      await slack.sendSigned("events", "{}", { age: 1000 }),
      await slack.sendSigned("events", JSON.stringify({ type: "x", token: TOKEN, secret: SIGNING_SECRET })),
      await otherKey.event(mention, { team_id }),
    ];
    const output = JSON.stringify([answers.map(({ text, headers }) => [text, [...headers]]), written]);
    expect(output).not.toContain("canary");
    expect(written.length).toBeGreaterThan(0);
  });
});
