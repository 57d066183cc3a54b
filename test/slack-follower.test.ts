// A thread's runs in the fake Slack, over TCP and through our own caller. The fake checks each call against Slack's
// documentation.
import { setImmediate } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { createManualClock } from "../dev/slack/clock.ts";
import { type Slack, startSlack } from "../dev/slack/server.ts";
import type { Message } from "../dev/slack/store.ts";
import type { SlackPlace } from "../src/protocol/slack.ts";
import { createSlackCaller } from "../src/slack/api.ts";
import { createTools } from "../src/tools/index.ts";
import { call, type Reply, reply, say } from "./fakes/replies.ts";
import { noSettings } from "./fakes/settings.ts";
import { FakeClock } from "./fakes/stream.ts";
import { FakeThread, type FakeThreadOptions } from "./fakes/thread.ts";

const tools = createTools(noSettings).filter(({ name }) =>
  ["create_tasks", "update_tasks", "complete", "ask"].includes(name),
);
let slack: Slack | null = null;

afterEach(async () => {
  await slack?.close();
  slack = null;
});

/** Lets the event loop run until the condition holds. If it never does, the test times out. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await setImmediate();
}

async function open(options: FakeThreadOptions, { isDirect = false } = {}) {
  const clock = createManualClock();
  const started = await startSlack({ clock });
  slack = started;
  const workspace = started.addWorkspace("Acme", { installed: true });
  const channel = isDirect ? workspace.direct() : workspace.channel;
  const { message } = started.say({ channel, user: workspace.user, text: "Build a shop" });
  const place: SlackPlace = {
    kind: "slack",
    team_id: workspace.id,
    channel,
    thread_ts: message.ts,
    recipient_user_id: workspace.user,
    recipient_team_id: workspace.id,
    newest_ts: message.ts,
    origin: "https://taskloom.test",
  };
  const callSlack = createSlackCaller({ api_url: started.apiUrl, token: workspace.token() });
  const thread = new FakeThread({ tools, callSlack, bot: workspace.bot.userId, ...options });
  const own = () => started.thread(channel, message.ts).filter(({ user }) => user === workspace.bot.userId);
  return { slack: started, clock, thread, place, channel, own };
}

async function settled({ life }: FakeThread): Promise<void> {
  await until(() => life.followers.size === 0);
}

/** A reply whose parts arrive when the test passes them. */
function inParts(...parts: string[]) {
  const gates = parts.map(() => Promise.withResolvers<void>());
  const writes: Reply = async (_request, onDelta) => {
    for (const [place, text] of parts.entries()) {
      onDelta({ type: "text", text });
      await gates[place]?.promise;
    }
    return reply({ text: parts.join("") });
  };
  return { writes, pass: (place: number) => gates[place]?.resolve() };
}

/** The text of the bot's messages, without plans, buttons and links. */
function wordsOf(messages: Message[]): string {
  return messages
    .map(({ text, blocks, stream }) => {
      if (stream !== undefined) return text;
      const markdown = (blocks ?? []).filter(({ type }) => type === "markdown").map((block) => String(block.text));
      return markdown[0] ?? text;
    })
    .join("");
}

function refusals({ calls }: Slack): string[] {
  return calls.filter(({ ok }) => !ok).map(({ method, error }) => `${method}: ${error}`);
}

describe("a run in the fake Slack", () => {
  it.each([{ isDirect: false }, { isDirect: true }])(
    "is a streamed reply without a refused call: %o",
    async (where) => {
      const { thread, place, own, slack } = await open({ replies: [say("Hello ", "**world**")] }, where);
      await thread.accept("hi", { follow: place });
      await settled(thread);
      expect(own().map(({ text }) => text)).toEqual(["Hello **world**"]);
      expect(own()[0]?.stream?.state).toBe("stopped");
      expect(refusals(slack)).toEqual([]);
    },
  );

  it("has its whole long plan and long reply, in messages that Slack accepts", async () => {
    const tasks = Array.from({ length: 60 }, (_, at) => `任务 ${at} <!channel> & "more" ${"x".repeat(300)}`);
    const text = Array.from({ length: 900 }, (_, at) => `第 ${at} 行：一个网上商店\n`).join("");
    const plan = { id: "c1", name: "create_tasks", input: { section_title: "商店", task_contents: tasks } };
    const { thread, place, own, slack } = await open({ defaultReply: say(text), replies: [call(plan)] });
    await thread.accept("建一个商店", { follow: place });
    await settled(thread);
    expect(refusals(slack)).toEqual([]);
    const said = thread.life.state.plan.tasks.length;
    expect(said).toBe(60);
    const shown = wordsOf(own());
    const replies = shown.split("第 899 行").length - 1;
    expect(replies).toBeGreaterThan(0);
    expect(shown.replaceAll("\n", "")).toBe(text.repeat(replies).replaceAll("\n", ""));
    expect(own().at(-1)?.stream?.tasks.size).toBe(60);
  });

  it("continues in the same message if the stream ended by itself", async () => {
    const { writes, pass } = inParts("Before. ", "After.");
    const { thread, place, own, clock } = await open({ replies: [writes] });
    await thread.accept("hi", { follow: place });
    await until(() => wordsOf(own()) === "Before.");
    await clock.advance(10 * 60_000);
    pass(0);
    pass(1);
    await settled(thread);
    expect(own()).toHaveLength(1);
    expect(wordsOf(own())).toBe("Before. After.");
  });

  it.each(["channel_type_not_supported", "missing_recipient_user_id", "unknown_method", "missing_scope"])(
    "is posted if streams are refused with %s",
    async (error) => {
      const { thread, place, own, slack } = await open({ replies: [say("Hello")] });
      slack.faults.push({ method: "chat.startStream", answer: "error", error });
      await thread.accept("hi", { follow: place });
      await settled(thread);
      expect(wordsOf(own())).toBe("Hello");
    },
  );

  it.each(["msg_too_long", "invalid_chunks", "streaming_mode_mismatch", "message_not_in_streaming_state"])(
    "has its whole text in the same message if an append is refused with %s",
    async (error) => {
      const { writes, pass } = inParts("One ", "two ", "three");
      const { thread, place, own, slack, clock } = await open({ replies: [writes] });
      slack.faults.push({ method: "chat.appendStream", answer: "error", error });
      slack.faults.push({ method: "chat.stopStream", answer: "error", error, times: 1 });
      await thread.accept("hi", { follow: place });
      await until(() => own().length === 1);
      if (error === "message_not_in_streaming_state") await clock.advance(10 * 60_000);
      for (const place of [0, 1, 2]) pass(place);
      await settled(thread);
      expect(own()).toHaveLength(1);
      expect(wordsOf(own())).toBe("One two three");
    },
  );

  const methods = ["chat.startStream", "chat.stopStream", "assistant.threads.setStatus"];
  it.each(
    methods.flatMap((method) =>
      (["lost_answer", "reset", "server_error"] as const).map((answer) => ({ method, answer })),
    ),
  )("has each word once in one message after a fault: %o", async ({ method, answer }) => {
    const clock = new FakeClock();
    const { thread, place, own, slack } = await open({ replies: [say("Hello world")], clock });
    slack.faults.push({ method, answer, times: 1 });
    await thread.accept("hi", { follow: place });
    // Only the mirror's own wait before its retry has to pass.
    while (thread.life.followers.size > 0) {
      await setImmediate();
      clock.advance(200);
      if ([...thread.life.followers.values()].some(({ isActive }) => !isActive)) await thread.alarm();
    }
    expect(own()).toHaveLength(1);
    expect(wordsOf(own())).toBe("Hello world");
  });

  it("waits as long as Slack's rate limit asks, and loses no text", async () => {
    const clock = new FakeClock();
    const { thread, place, own, slack } = await open({ replies: [say("Hello")], clock });
    slack.faults.push({ method: "chat.startStream", answer: "ratelimited", retryAfter: 90, times: 1 });
    await thread.accept("hi", { follow: place });
    await until(() => [...thread.life.followers.values()].every(({ isActive }) => !isActive));
    const asked = slack.callsTo("chat.startStream").length;
    clock.advance(89_000);
    await thread.alarm();
    expect(slack.callsTo("chat.startStream").length).toBe(asked);
    clock.advance(2_000);
    await thread.alarm();
    await settled(thread);
    expect(wordsOf(own())).toBe("Hello");
  });

  it("asks its question in a separate message with a button for each choice", async () => {
    const question = { question: "Red or blue?", choices: ["Red", 'Blue <&> "x"'] };
    const { thread, place, own, slack } = await open({ replies: [call({ id: "c1", name: "ask", input: question })] });
    await thread.accept("paint", { follow: place });
    await settled(thread);
    expect(refusals(slack)).toEqual([]);
    expect(own()).toHaveLength(1);
    expect(JSON.stringify(own()[0]?.blocks)).toContain("taskloom:choice:1");
  });
});
