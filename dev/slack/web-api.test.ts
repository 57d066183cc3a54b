// The official client, unmodified, against the fake: if it works, the fake's protocol is right.
import { WebAPIRateLimitedError } from "@slack/web-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createManualClock } from "./clock.ts";
import { type ConnectedWorkspace, connectClient, connectWorkspace, refusalOf } from "./official-client.ts";
import { type Slack, startSlack } from "./server.ts";

const clock = createManualClock();
let slack: Slack;

beforeAll(async () => {
  slack = await startSlack({ clock });
});

afterAll(() => slack.close());

function connect(name: string): ConnectedWorkspace {
  return connectWorkspace(slack, name);
}

describe("messages", () => {
  it("are posted, edited, read and deleted by the official client", async () => {
    const { client, channel, thread_ts, workspace } = connect("Messages");
    expect(await client.auth.test()).toMatchObject({ ok: true, team_id: workspace.id, bot_id: workspace.bot.botId });
    const posted = await client.chat.postMessage({ channel, thread_ts, text: "first" });
    const ts = posted.ts ?? "";
    await client.chat.update({ channel, ts, text: "second" });
    expect(slack.shown(channel, ts)).toBe("second");
    expect(slack.message(channel, ts).history).toEqual([{ text: "first" }]);
    const read = await client.conversations.replies({ channel, ts: thread_ts });
    expect(read.messages?.map(({ text }) => text)).toEqual([expect.stringContaining("build me a shop"), "second"]);
    await client.chat.delete({ channel, ts });
    expect(slack.thread(channel, thread_ts)).toHaveLength(1);
  });

  it("lose their blocks in an edit that has only a text", async () => {
    const { client, channel } = connect("Edits");
    const blocks = [{ type: "section" as const, text: { type: "mrkdwn" as const, text: "in a block" } }];
    const { ts = "" } = await client.chat.postMessage({ channel, text: "for notifications", blocks });
    expect(slack.shown(channel, ts)).toBe("in a block");
    await client.chat.update({ channel, ts, text: "plain" });
    expect(slack.shown(channel, ts)).toBe("plain");
  });

  it("to one person are shown in a thread only where it has a reply", async () => {
    const { client, channel, workspace, thread_ts } = connect("Alone");
    const post = () => client.chat.postEphemeral({ channel, user: workspace.user, thread_ts, text: "psst" });
    expect(await post()).toMatchObject({ ok: true, message_ts: expect.any(String) });
    expect(slack.ephemerals(channel)).toEqual([]);
    await client.chat.postMessage({ channel, thread_ts, text: "a reply" });
    await post();
    expect(slack.ephemerals(channel)).toMatchObject([{ user: workspace.user, text: "psst", thread_ts }]);
  });

  it("are rejected with the documented errors", async () => {
    const { client, channel, workspace, thread_ts } = connect("Refusals");
    const outside = workspace.addChannel("outside", { bot: false });
    expect(await refusalOf(client.chat.postMessage({ channel: "C0", text: "x" }))).toBe("channel_not_found");
    expect(await refusalOf(client.chat.postMessage({ channel: outside, text: "x" }))).toBe("not_in_channel");
    expect(await refusalOf(client.chat.postMessage({ channel, text: "" }))).toBe("no_text");
    expect(await refusalOf(client.chat.update({ channel, ts: thread_ts, text: "x" }))).toBe("cant_update_message");
    await clock.advance(10_000);
    const { ts = "" } = await client.chat.postMessage({ channel, text: "x" });
    expect(await refusalOf(client.chat.update({ channel, ts, text: "x".repeat(4001) }))).toBe("msg_too_long");
    const both = { channel, text: "x", markdown_text: "x" } as never;
    expect(await refusalOf(client.chat.postMessage(both))).toBe("markdown_text_conflict");
    expect(await refusalOf(client.apiCall("chat.postMessage", { channel, txt: "x" }))).toBe("invalid_arguments");
    expect(await refusalOf(connectClient(slack, "xoxb-wrong").auth.test())).toBe("invalid_auth");
  });

  it("have limits for their blocks, and errors name the one that is exceeded", async () => {
    const { client, channel } = connect("Blocks");
    const button = (text: string, action_id: string, value = "v"): object => ({
      type: "button",
      text: { type: "plain_text", text },
      action_id,
      value,
    });
    const post = (blocks: object[]): Promise<string> =>
      refusalOf(client.chat.postMessage({ channel, text: "x", blocks: blocks as never }));
    const actions = (...elements: object[]): object => ({ type: "actions", elements });
    expect(await post([actions(button("x".repeat(75), "a"))])).toBe("none");
    expect(await post([actions(button("x".repeat(76), "a"))])).toBe("invalid_blocks");
    expect(await post([actions(button("x", "a", "v".repeat(2001)))])).toBe("invalid_blocks");
    await clock.advance(10_000);
    expect(await post([actions(button("x", "a"), button("y", "a"))])).toBe("invalid_blocks");
    expect(await post([actions(...Array.from({ length: 26 }, (_, index) => button("x", `a${index}`)))])).toBe(
      "invalid_blocks",
    );
    expect(await post(Array.from({ length: 51 }, () => ({ type: "divider" })))).toBe("invalid_blocks");
    await clock.advance(10_000);
    const section = { type: "section", text: { type: "mrkdwn", text: "x".repeat(3001) } };
    const answer = client.chat.postMessage({ channel, text: "x", blocks: [section] as never });
    await expect(answer).rejects.toMatchObject({
      data: { error: "invalid_blocks", errors: [expect.stringContaining("/blocks/0/text/text")] },
    });
  });
});

describe("limits", () => {
  it("of a tier respond with 429 and the seconds to wait, per workspace", async () => {
    const { workspace, client, channel, thread_ts } = connect("Tiers");
    const impatient = connectClient(slack, workspace.token(), { rejectRateLimitedCalls: true });
    for (let call = 0; call < 50; call += 1) await client.conversations.replies({ channel, ts: thread_ts });
    const refused = await impatient.conversations.replies({ channel, ts: thread_ts }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(WebAPIRateLimitedError);
    expect((refused as WebAPIRateLimitedError).retryAfter).toBe(60);
    const other = connect("Other tiers");
    expect((await other.client.conversations.replies({ channel: other.channel, ts: other.thread_ts })).ok).toBe(true);
    await clock.advance(60_000);
    expect((await impatient.conversations.replies({ channel, ts: thread_ts })).ok).toBe(true);
  });

  it("for posting allow a burst, then one message per second and channel; the client waits and posts", async () => {
    const { client, channel, workspace } = connect("Posting");
    for (const text of ["1", "2", "3"]) await client.chat.postMessage({ channel, text });
    const patient = connectClient(slack, workspace.token(), { retryConfig: { retries: 3, minTimeout: 10 } });
    const posted = patient.chat.postMessage({ channel, text: "4" });
    await expect.poll(() => slack.calls.at(-1)?.retryAfter).toBe(1);
    await clock.advance(1000);
    expect((await posted).ok).toBe(true);
    const elsewhere = workspace.addChannel("elsewhere");
    expect((await client.chat.postMessage({ channel: elsewhere, text: "1" })).ok).toBe(true);
  });
});

describe("faults", () => {
  it("drop a connection before or after the call is processed", async () => {
    const { client, channel } = connect("Faults");
    const post = (text: string): Promise<boolean> =>
      client.chat.postMessage({ channel, text }).then(
        () => true,
        () => false,
      );
    slack.faults.push({ method: "chat.postMessage", answer: "reset", times: 1 });
    expect(await post("never")).toBe(false);
    slack.faults.push({ method: "chat.*", answer: "lost_answer", times: 1 });
    expect(await post("unheard")).toBe(false);
    slack.faults.push({ method: "*", answer: "server_error", times: 1 });
    expect(await post("never either")).toBe(false);
    slack.faults.push({ method: "*", answer: "error", error: "channel_type_not_supported", times: 1 });
    expect(await refusalOf(client.chat.postMessage({ channel, text: "no" }))).toBe("channel_type_not_supported");
    const texts = slack.messages(channel).map(({ text }) => text);
    expect(texts).toEqual([expect.stringContaining("build me a shop"), "unheard"]);
    slack.faults.length = 0;
  });
});

describe("the assistant", () => {
  it("has a status that disappears, a title and at most four prompts", async () => {
    const { client, workspace } = connect("Assistant");
    const { message } = slack.openAssistant(workspace.user);
    const place = { channel_id: workspace.direct(), thread_ts: message.ts };
    await client.assistant.threads.setStatus({ ...place, status: "is thinking…" });
    await client.assistant.threads.setTitle({ ...place, title: "A shop" });
    const prompts: [{ title: string; message: string }] = [{ title: "Shop", message: "Build a shop" }];
    await client.assistant.threads.setSuggestedPrompts({ ...place, prompts });
    const read = (): unknown => slack.assistant(place.channel_id, place.thread_ts);
    expect(read()).toMatchObject({ status: "is thinking…", title: "A shop", prompts });
    await clock.advance(120_000);
    expect(read()).toMatchObject({ status: "" });
    const five = Array.from({ length: 5 }, () => prompts[0]) as never;
    expect(await refusalOf(client.assistant.threads.setSuggestedPrompts({ ...place, prompts: five }))).toBe(
      "invalid_arguments",
    );
  });
});

describe("views", () => {
  const view = (title: string, more: object = {}): never =>
    ({ type: "modal", title: { type: "plain_text", text: title }, blocks: [], ...more }) as never;

  it("are opened once per trigger, within three seconds, and have limited lengths", async () => {
    const { client, workspace } = connect("Views");
    const home = slack.store.workspaces.get(workspace.id);
    if (!home) throw new Error("no workspace");
    const trigger = (): string => slack.store.addTrigger(home, workspace.user);
    const open = (trigger_id: string, what: never): Promise<string> =>
      refusalOf(client.views.open({ trigger_id, view: what }));
    const first = trigger();
    expect(await open(first, view("x".repeat(25)))).toBe("invalid_arguments");
    expect(await open(first, view("x", { private_metadata: "x".repeat(3001) }))).toBe("invalid_arguments");
    expect(await open(first, view("x".repeat(24), { private_metadata: "x".repeat(3000) }))).toBe("none");
    expect(await open(first, view("x"))).toBe("exchanged_trigger_id");
    const second = trigger();
    await clock.advance(3001);
    expect(await open(second, view("x"))).toBe("expired_trigger_id");
    const shown = slack.view(workspace.user);
    await client.views.update({ view_id: shown?.id ?? "", hash: shown?.hash, view: view("y") });
    const late = client.views.update({ view_id: shown?.id ?? "", hash: "old", view: view("z") });
    expect(await refusalOf(late)).toBe("hash_conflict");
    expect(slack.view(workspace.user)?.view.title).toMatchObject({ text: "y" });
  });
});

describe("a bot", () => {
  it("is named with its app to a token with users:read, its own token included, and to no other", async () => {
    const { client, workspace } = connect("Bots");
    const guest = connectClient(slack, workspace.installGuest("A0OTHER"));
    const own = await client.auth.test();
    const other = await guest.auth.test();
    expect(own).not.toHaveProperty("app_id");
    expect(other).toMatchObject({ team_id: own.team_id });
    expect(other.user_id).not.toBe(own.user_id);
    for (const reader of [client, guest]) {
      const read = (bot: string | undefined) => reader.bots.info({ bot: bot ?? "" }).then((answer) => answer.bot);
      expect(await read(own.bot_id)).toMatchObject({ app_id: slack.app.id, user_id: own.user_id, deleted: false });
      expect(await read(other.bot_id)).toMatchObject({ app_id: "A0OTHER", user_id: other.user_id });
      expect(await refusalOf(read("B0"))).toBe("bot_not_found");
    }
    const poor = connectClient(slack, workspace.installGuest("A0POOR", ["chat:write"]));
    const { bot_id = "" } = await poor.auth.test();
    await expect(poor.bots.info({ bot: bot_id })).rejects.toMatchObject({
      data: { error: "missing_scope", needed: "users:read", provided: "chat:write" },
    });
    await guest.auth.revoke();
    expect(await refusalOf(guest.auth.test())).toBe("token_revoked");
    expect(await client.auth.test()).toMatchObject({ ok: true });
  });
});

describe("an installation", () => {
  it("goes through consent and a one-use code, and ends with the token", async () => {
    const workspace = slack.addWorkspace("Installing", { installed: false });
    const redirect_uri = "http://127.0.0.1:9/callback";
    const { clientId: client_id, clientSecret: client_secret } = slack.app;
    const query = new URLSearchParams({ client_id, scope: "chat:write,im:history", state: "s1", redirect_uri });
    const address = `${slack.authorizeUrl}?${query}`;
    expect((await fetch(address)).headers.get("content-type")).toContain("text/html");
    const back = new URL(slack.authorize(address, { team: workspace.id }));
    expect(back.searchParams.get("state")).toBe("s1");
    const code = back.searchParams.get("code") ?? "";
    const client = connectClient(slack);
    const exchange = (more: object = {}): Promise<unknown> =>
      client.oauth.v2.access({ client_id, client_secret, code, redirect_uri, ...more });
    expect(await refusalOf(exchange({ client_secret: "wrong" }))).toBe("bad_client_secret");
    expect(await exchange()).toMatchObject({
      access_token: workspace.token(),
      team: { id: workspace.id },
      bot_user_id: workspace.bot.userId,
      scope: "chat:write,im:history",
    });
    expect(await refusalOf(exchange())).toBe("invalid_code");
    const denied = new URL(slack.authorize(address, { team: workspace.id, isAllowed: false }));
    expect(denied.searchParams.get("error")).toBe("access_denied");
    const bot = connectClient(slack, workspace.token());
    expect(await refusalOf(bot.views.publish({ user_id: workspace.user, view: { type: "home", blocks: [] } }))).toBe(
      "none",
    );
    expect(await refusalOf(bot.users.info({ user: workspace.user }))).toBe("missing_scope");
    await bot.auth.revoke();
    expect(await refusalOf(bot.auth.test())).toBe("token_revoked");
  });
});
