import { describe, expect, it } from "vitest";
import { Gate } from "../../../test/fakes/gate.ts";
import { call, say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import type { ContentPart } from "../../protocol/message.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { taskTools } from "../../tools/tasks.ts";
import { findRun } from "../life.ts";
import { readMessages } from "../rows/messages.ts";
import { ensureRunning } from "../run/run.ts";

const SECRET = "http://169.254.169.254/?token=canary";
const LEFT_OUT = { type: "text", text: "[an image is left out here: its address is not permitted]" };

const words = (text: string): ContentPart => ({ type: "text", text });
const image = (url: string): ContentPart => ({ type: "image_url", image_url: { url, detail: "low" } });

/** A message with this image between two texts. */
function showing(url: string, more: Partial<RunInput> = {}): Partial<RunInput> {
  const content = [words("see"), image(url), words("there")];
  return { invocation_id: "inv_a", messages: [{ message_id: "msg_a", content }], ...more };
}

function partsOf(thread: FakeThread, request: number): unknown[] {
  const messages = thread.requests[request]?.messages ?? [];
  return messages.flatMap(({ content }) => (typeof content === "string" ? [] : (content ?? [])));
}

describe("an image that may not be fetched", () => {
  it("is refused with its place, whatever `on_busy` says, and changes nothing", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "done")] });
    await thread.accept("hi", { invocation_id: "inv_first" });
    await gate.reached;
    for (const on_busy of ["enqueue", "steer", "replace"] as const) {
      for (const background of [false, true]) {
        const refused = await thread.accept("", showing(SECRET, { on_busy, background }));
        expect(refused).toMatchObject({ ok: false, error: { code: "invalid_field" } });
        expect(refused).toMatchObject({
          error: { detail: expect.stringMatching(/^message\[1\]\.image_url\.url: is a link/) },
        });
        expect(JSON.stringify(refused)).not.toContain("canary");
      }
    }
    expect(findRun(thread.life, "inv_a")).toBeNull();
    gate.open();
    await thread.read({ invocation_id: "inv_first" }).untilClosed();
    expect(findRun(thread.life, "inv_first")?.run.status).toBe("completed");
    expect(JSON.stringify(readMessages(thread.life.database.sql, thread.life.thread, 0, 100))).not.toContain("canary");
  });

  it("is accepted in a client's history if the thread has its message already, and refused if it is new", async () => {
    const images = { private_urls_allowed: true };
    const thread = new FakeThread({ replies: [say("seen"), say("go on")], images });
    const { messages = [] } = showing(SECRET);
    await thread.run("", { from_history: true, messages, invocation_id: "inv_a" });
    images.private_urls_allowed = false;
    thread.crash();
    const next = { message_id: "msg_b", content: "and now?" };
    await thread.run("", { from_history: true, messages: [...messages, next], invocation_id: "inv_b" });
    expect(partsOf(thread, 1)).toEqual([words("see"), LEFT_OUT, words("there")]);
    const again = { message_id: "msg_c", content: [image(SECRET)] };
    const input = { from_history: true, messages: [...messages, next, again], invocation_id: "inv_c" };
    expect(await thread.accept("", input)).toMatchObject({
      error: {
        code: "invalid_field",
        detail: expect.stringMatching(/^messages\[msg_c\]\.content\[0\]: is a link-local/),
      },
    });
  });

  it("still returns its run when the request is repeated after the address was forbidden", async () => {
    const images = { private_urls_allowed: true };
    const thread = new FakeThread({ replies: [say("seen")], images });
    await thread.run("", showing(SECRET));
    images.private_urls_allowed = false;
    thread.crash();
    expect(await thread.accept("", showing(SECRET))).toMatchObject({ ok: true, value: { created: false } });
    expect(await thread.accept("", showing(SECRET, { invocation_id: "inv_b" }))).toMatchObject({ ok: false });
  });
});

describe("an image that was accepted before its address was forbidden", () => {
  it("is left out of each request to the model, with the same replacement at each step, and stays in its row", async () => {
    const written = say('<function_calls><invoke name="view_tasks"></invoke></function_calls>');
    const asked = { native: call({ id: "c1", name: "view_tasks", input: {} }), xml: written };
    for (const tool_format of ["native", "xml"] as const) {
      const images = { private_urls_allowed: true };
      const replies = [say("so"), asked[tool_format], say("done")];
      const thread = new FakeThread({ replies, tools: taskTools, images, agent: { tool_format } });
      await thread.run("", showing(SECRET));
      expect(partsOf(thread, 0)).toEqual([words("see"), image(SECRET), words("there")]);
      images.private_urls_allowed = false;
      thread.crash();
      await thread.run("go on", { invocation_id: "inv_b" });
      const sent = thread.requests
        .slice(1)
        .map(({ messages }) => messages.slice(0, 3).map((each) => JSON.stringify(each)));
      expect(sent).toHaveLength(2);
      for (const messages of sent) {
        expect(messages).toEqual(sent[0]);
        expect(messages[1]).toBe(JSON.stringify({ role: "user", content: [words("see"), LEFT_OUT, words("there")] }));
      }
      expect(JSON.stringify(thread.requests.slice(1))).not.toContain("canary");
      const [row] = readMessages(thread.life.database.sql, thread.life.thread, 0, 1);
      expect(row?.content).toEqual({ role: "user", content: [words("see"), image(SECRET), words("there")] });
    }
  });

  it("is left out if its message waited or steers, too", async () => {
    const images = { private_urls_allowed: true };
    const lost = new Gate();
    const thread = new FakeThread({ replies: [lost.say("", "1")], defaultReply: say("ok"), images });
    await thread.accept("hi", { invocation_id: "inv_first" });
    await lost.reached;
    await thread.accept("", showing(SECRET, { on_busy: "steer", invocation_id: "inv_s" }));
    const queued = [{ message_id: "msg_q", content: [image(SECRET)] }];
    await thread.accept("", { invocation_id: "inv_q", messages: queued });
    images.private_urls_allowed = false;
    thread.crash();
    ensureRunning(thread.life);
    await thread.read({ invocation_id: "inv_q" }).untilClosed();
    expect(findRun(thread.life, "inv_q")?.run.status).toBe("completed");
    expect(JSON.stringify(thread.requests)).not.toContain("canary");
    expect(partsOf(thread, 2)).toEqual([words("see"), LEFT_OUT, words("there"), LEFT_OUT]);
  });

  it("is left out while the setting permits only embedded images, and is sent again once it permits the host", async () => {
    const images: { image_urls: "public" | "data" } = { image_urls: "public" };
    const thread = new FakeThread({ defaultReply: say("ok"), images });
    const [link, data] = ["https://good.example/a.png", "data:image/png;base64,AA=="];
    const content = [image(link), image(data)];
    const message = { invocation_id: "inv_a", messages: [{ message_id: "msg_a", content }] };
    await thread.run("", message);
    images.image_urls = "data";
    thread.crash();
    await thread.run("go on", { invocation_id: "inv_b" });
    const refused = await thread.accept("", {
      ...message,
      invocation_id: "inv_c",
      messages: [{ message_id: "msg_c", content }],
    });
    expect(refused).toMatchObject({
      error: {
        code: "invalid_field",
        detail: expect.stringMatching(/^message\[0\]\.image_url\.url: must be a data: address.*send the image itself/),
      },
    });
    images.image_urls = "public";
    thread.crash();
    await thread.run("go on", { invocation_id: "inv_d" });
    expect([0, 1, 2].map((request) => partsOf(thread, request))).toEqual([content, [LEFT_OUT, image(data)], content]);
  });
});

describe("a permitted image address", () => {
  it("is stored as it came, so a repeat is the same run, and sent as it was checked", async () => {
    const thread = new FakeThread({ defaultReply: say("ok") });
    const given = " HTTPS:\\\\Good.Example/a b.png";
    await thread.run("", showing(given));
    const [row] = readMessages(thread.life.database.sql, thread.life.thread, 0, 1);
    expect(row?.content).toEqual({ role: "user", content: [words("see"), image(given), words("there")] });
    expect(await thread.accept("", showing(given))).toMatchObject({ ok: true, value: { created: false } });
    expect(await thread.accept("", showing("https://good.example/a%20b.png"))).toMatchObject({
      error: { code: "idempotency_conflict" },
    });
    expect(partsOf(thread, 0)).toEqual([words("see"), image("https://good.example/a%20b.png"), words("there")]);
  });
});
