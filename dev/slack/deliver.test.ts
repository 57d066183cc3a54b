// Deliveries, checked by the receiver of `@slack/bolt`, which verifies signatures and parses payloads; and retries,
// checked by a receiver whose responses the test controls.
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { App, HTTPReceiver, LogLevel } from "@slack/bolt";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createManualClock } from "./clock.ts";
import type { WorkspaceHandle } from "./handle.ts";
import { type Slack, startSlack } from "./server.ts";

const approve = {
  type: "actions" as const,
  block_id: "approval",
  elements: [
    {
      type: "button" as const,
      text: { type: "plain_text" as const, text: "Allow" },
      action_id: "allow",
      value: "call-1",
    },
  ],
};
const question = {
  type: "modal" as const,
  callback_id: "question",
  private_metadata: "question-1",
  title: { type: "plain_text" as const, text: "A question" },
  submit: { type: "plain_text" as const, text: "Send" },
  blocks: [
    {
      type: "input" as const,
      block_id: "answer",
      label: { type: "plain_text" as const, text: "Which colour?" },
      element: { type: "plain_text_input" as const, action_id: "text" },
    },
  ],
};

describe("a bolt app", () => {
  let slack: Slack;
  let app: App;
  let workspace: WorkspaceHandle;
  let address: string;
  const heard: string[] = [];

  beforeAll(async () => {
    slack = await startSlack();
    workspace = slack.addWorkspace();
    const receiver = new HTTPReceiver({ signingSecret: slack.app.signingSecret, logLevel: LogLevel.ERROR });
    app = new App({
      receiver,
      token: workspace.token(),
      clientOptions: { slackApiUrl: slack.apiUrl },
      logLevel: LogLevel.ERROR,
    });
    app.event("app_mention", async ({ event, say }) => {
      heard.push(`mention ${event.text}`);
      await say({ thread_ts: event.ts, text: "May I?", blocks: [approve] });
    });
    app.event("assistant_thread_started", async ({ event }) => {
      heard.push(`assistant ${event.assistant_thread.user_id}`);
    });
    app.message("hello", async ({ message }) => {
      heard.push(`message ${message.channel_type}`);
    });
    app.action("allow", async ({ ack, body, client, respond }) => {
      await ack();
      const { actions, trigger_id } = body as unknown as { actions: { value?: string }[]; trigger_id: string };
      heard.push(`click ${actions[0]?.value}`);
      await client.views.open({ trigger_id, view: question });
      await respond({ replace_original: true, text: "Allowed" });
    });
    app.view("question", async ({ ack, view }) => {
      const text = view.state.values.answer?.text?.value ?? "";
      if (text === "none") return ack({ response_action: "errors", errors: { answer: "A colour, please" } });
      heard.push(`submission ${view.private_metadata} ${text}`);
      return ack();
    });
    app.command("/taskloom", async ({ ack, command }) => {
      heard.push(`command ${command.text}`);
      await ack({ response_type: "ephemeral", text: `doing ${command.text}` });
    });
    const server = (await app.start(0)) as Server;
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`;
    address = base;
    slack.connect({ events: base, interactivity: base, commands: base });
  });

  afterEach(() => {
    heard.length = 0;
  });

  afterAll(async () => {
    await app.stop();
    await slack.close();
  });

  it("answers the challenge that verifies its address", async () => {
    expect(await slack.verifyAddress()).toBe(true);
  });

  it("receives a mention, shows a button, opens a view on the click and reads the input", async () => {
    const { channel, user } = workspace;
    const { message, deliveries } = slack.mention({ channel, user, text: "build it" });
    for (const delivery of await Promise.all(deliveries)) expect(delivery.isAccepted).toBe(true);
    await expect.poll(() => slack.thread(channel, message.ts)).toHaveLength(2);
    const ts = slack.thread(channel, message.ts)[1]?.ts ?? "";
    expect(slack.shown(channel, ts)).toBe("[Allow]");
    const click = await slack.click({ channel, user, ts, action_id: "allow" });
    expect(click.isAccepted).toBe(true);
    await expect.poll(() => slack.view(user)?.view.private_metadata).toBe("question-1");
    await expect.poll(() => slack.shown(channel, ts)).toBe("Allowed");
    await slack.submit(user, { answer: "none" });
    expect(slack.view(user)?.errors).toEqual({ answer: "A colour, please" });
    await slack.submit(user, { answer: "green" });
    expect(slack.view(user)).toBeUndefined();
    expect(heard).toEqual([expect.stringContaining("mention <@"), "click call-1", "submission question-1 green"]);
    await slack.settled();
  });

  it("receives a direct message, an assistant thread and a command", async () => {
    const { user } = workspace;
    const direct = workspace.direct();
    await Promise.all(slack.say({ channel: direct, user, text: "hello there" }).deliveries);
    await Promise.all(slack.openAssistant(user).deliveries);
    const done = await slack.command({ channel: workspace.channel, user, command: "/taskloom", text: "a shop" });
    expect(done.isAccepted).toBe(true);
    expect(slack.ephemerals(workspace.channel).at(-1)).toMatchObject({ user, text: "doing a shop" });
    expect(heard).toEqual(["message im", `assistant ${user}`, "command a shop"]);
    await slack.settled();
  });

  it("rejects a wrong signature, a missing one, and an old one", async () => {
    const event = { type: "event_callback", event: { type: "app_mention", text: "evil" } };
    const old = Math.floor(Date.now() / 1000) - 301;
    const forgeries = [
      { secret: "another-secret" },
      { headers: { "x-slack-signature": undefined } },
      { timestamp: old },
    ];
    for (const forgery of forgeries) {
      const sent = await slack.context.deliveries.sendForm(
        "interaction",
        address,
        { payload: JSON.stringify(event) },
        forgery,
      );
      expect(sent.isAccepted).toBe(false);
      expect(sent.attempts[0]?.status).toBe(401);
    }
    expect(heard).toEqual([]);
  });
});

describe("an event that the app doesn't accept", () => {
  const clock = createManualClock();
  const received: IncomingHttpHeaders[] = [];
  let answers: { status: number; headers?: Record<string, string> }[] = [];
  let slack: Slack;
  let server: Server;
  let team: string;

  beforeAll(async () => {
    slack = await startSlack({ clock });
    team = slack.addWorkspace().id;
    server = createServer((request, response) => {
      received.push(request.headers);
      const { status, headers } = answers.shift() ?? { status: 200 };
      request.resume();
      // 0 means that the app doesn't respond.
      if (status > 0) response.writeHead(status, headers).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    slack.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });

  afterEach(() => {
    received.length = 0;
  });

  afterAll(async () => {
    await slack.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const retriesOf = (): unknown[] =>
    received.map((headers) => [headers["x-slack-retry-num"], headers["x-slack-retry-reason"]]);

  /** Waits until the delivery has failed that often and waits for its next attempt. */
  const attempted = async (times: number): Promise<void> => {
    await expect.poll(() => slack.deliveries.at(-1)?.attempts.length).toBe(times);
    await expect.poll(() => clock.waiting()).toBe(1);
  };

  it("is sent again at once, after a minute and after five", async () => {
    answers = [{ status: 500 }, { status: 503 }, { status: 500 }];
    const sent = slack.sendEvent(team, { type: "app_mention", text: "x" });
    await attempted(2);
    await clock.advance(59_999);
    expect(received).toHaveLength(2);
    await clock.advance(1);
    await attempted(3);
    await clock.advance(300_000);
    expect((await sent).isAccepted).toBe(true);
    expect(retriesOf()).toEqual([
      [undefined, undefined],
      ["1", "http_error"],
      ["2", "http_error"],
      ["3", "http_error"],
    ]);
  });

  it("is sent again when the response takes three seconds, though the first request is still being handled", async () => {
    answers = [{ status: 0 }, { status: 200 }];
    const sent = slack.sendEvent(team, { type: "app_mention", text: "x" });
    await expect.poll(() => received.length).toBe(1);
    await clock.advance(3000);
    expect((await sent).isAccepted).toBe(true);
    expect(retriesOf()).toEqual([
      [undefined, undefined],
      ["1", "http_timeout"],
    ]);
  });

  it("is not sent again when the app forbids it", async () => {
    answers = [{ status: 500, headers: { "x-slack-no-retry": "1" } }];
    expect((await slack.sendEvent(team, { type: "app_mention", text: "x" })).isAccepted).toBe(false);
    expect(received).toHaveLength(1);
  });

  it("is given up after four failed attempts", async () => {
    answers = Array.from({ length: 4 }, () => ({ status: 500 }));
    const sent = slack.sendEvent(team, { type: "app_mention", text: "x" });
    await attempted(2);
    await clock.advance(60_000);
    await attempted(3);
    await clock.advance(300_000);
    expect((await sent).isAccepted).toBe(false);
    expect(received).toHaveLength(4);
  });
});
