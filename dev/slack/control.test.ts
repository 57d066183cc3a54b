// The control API for a person in a terminal or on the page.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WorkspaceHandle } from "./handle.ts";
import { type Slack, startSlack } from "./server.ts";

let slack: Slack;
let workspace: WorkspaceHandle;
let app: Server;
const heard: { type: string; event: { type: string } }[] = [];

beforeAll(async () => {
  slack = await startSlack();
  workspace = slack.addWorkspace();
  app = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += String(part);
    heard.push(JSON.parse(body) as (typeof heard)[number]);
    response.end();
  });
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
  slack.connect(`http://127.0.0.1:${(app.address() as AddressInfo).port}`);
});

afterAll(async () => {
  await slack.close();
  app.closeAllConnections();
  await new Promise((resolve) => app.close(resolve));
});

async function act(
  name: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const response = await fetch(`${slack.url}/_control/${name}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers,
  });
  return (await response.json()) as Record<string, unknown>;
}

describe("/_control", () => {
  it("lets a person mention the app and read the channel", async () => {
    const { channel, user } = workspace;
    const { ts } = await act("mention", { channel, user, text: "build it" });
    await act("reply", { channel, user, text: "soon", thread_ts: ts });
    await slack.settled();
    const types = heard.map(({ event }) => event.type);
    expect(types.filter((type) => type === "app_mention")).toHaveLength(1);
    expect(types.filter((type) => type === "message")).toHaveLength(2);
    const shown = await (await fetch(`${slack.url}/_control/channels/${channel}/messages`)).text();
    expect(shown).toContain(`${String(ts)} alice: <@${workspace.bot.userId}> build it`);
    expect(shown).toMatch(/^ {2}> \d+\.\d+ alice: soon$/m);
  });

  it("adds, lists and removes faults", async () => {
    await act("faults", { method: "chat.*", answer: "ratelimited", retryAfter: 7, times: 1 });
    const call = (): Promise<Response> =>
      fetch(`${slack.apiUrl}chat.postMessage`, {
        method: "POST",
        headers: { authorization: `Bearer ${workspace.token()}`, "content-type": "application/json" },
        body: JSON.stringify({ channel: workspace.channel, text: "x" }),
      });
    const refused = await call();
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "7"]);
    expect(await (await call()).json()).toMatchObject({ ok: true });
    expect(await (await fetch(`${slack.url}/_control/faults`, { method: "DELETE" })).json()).toEqual([]);
    expect(await act("faults", { method: "chat.*", answer: "unheard-of" })).toMatchObject({ ok: false });
  });

  it("rejects requests from a page of another site", async () => {
    const { channel, user } = workspace;
    const sent = await act("say", { channel, user, text: "x" }, { origin: "http://evil.example" });
    expect(sent).toEqual({ ok: false, error: "wrong_origin" });
  });

  it("uninstalls the app, sends it the events, and revokes its token", async () => {
    const token = workspace.token();
    await act("uninstall", { team: workspace.id });
    await slack.settled();
    const types = heard.map(({ event }) => event.type);
    expect(types).toEqual(expect.arrayContaining(["tokens_revoked", "app_uninstalled"]));
    const test = await fetch(`${slack.apiUrl}auth.test`, { headers: { authorization: `Bearer ${token}` } });
    expect(await test.json()).toEqual({ ok: false, error: "account_inactive" });
  });
});
