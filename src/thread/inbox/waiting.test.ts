import { describe, expect, it } from "vitest";
import { Gate } from "../../../test/fakes/gate.ts";
import { call, say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import type { UserContent } from "../../protocol/message.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { peopleTools } from "../../tools/people.ts";
import { findRun } from "../life.ts";
import { cancelBefore, cancelRun, requestEnd } from "../run/control.ts";
import { listWaiting } from "./waiting.ts";

const run = { invocation_id: "inv_a" };
const steer = { on_busy: "steer" } as const;

function shownOf(thread: FakeThread): string[] {
  return listWaiting(thread.life).map(({ on_busy, content }) => `${on_busy} ${content}`);
}

/** A thread with an active run, and the messages sent since. */
async function busyThread(...sent: [text: string, more?: Partial<RunInput>][]) {
  const [first, second] = [new Gate(), new Gate()];
  const thread = new FakeThread({ replies: [first.say("", "0"), second.say("", "1")], defaultReply: say("ok") });
  await thread.accept("hi", run);
  await first.reached;
  for (const [text, more] of sent) await thread.accept(text, { invocation_id: `inv_${text}`, ...more });
  return { thread, first, second };
}

async function endOf(thread: FakeThread, id: string): Promise<void> {
  await thread.read({ invocation_id: id }).untilClosed();
}

describe("the list of waiting messages", () => {
  it("is in the order in which runs take them: first steering messages, then the queue", async () => {
    const { thread } = await busyThread(["q1"], ["s1", steer], ["q2", { background: true }], ["s2", steer]);
    for (const crashes of [false, true]) {
      if (crashes) thread.crash();
      expect(listWaiting(thread.life)).toEqual(
        [
          ["s1", "steer"],
          ["s2", "steer"],
          ["q1", "enqueue"],
          ["q2", "enqueue"],
        ].map(([text, on_busy]) => ({
          invocation_id: `inv_${text}`,
          message_id: `msg_of_inv_${text}`,
          on_busy,
          content: text,
          is_cut: false,
          created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        })),
      );
    }
  });

  it("no longer has messages that were taken, started or cancelled", async () => {
    const { thread, first, second } = await busyThread(["q1"], ["q2"], ["q3"], ["s1", steer]);
    await cancelRun(thread.life, "inv_q2");
    expect(shownOf(thread)).toEqual(["steer s1", "enqueue q1", "enqueue q3"]);
    first.open();
    await second.reached;
    expect(shownOf(thread)).toEqual(["enqueue q1", "enqueue q3"]);
    const last = endOf(thread, "inv_q3");
    second.open();
    await endOf(thread, "inv_a");
    await endOf(thread, "inv_q1");
    expect(shownOf(thread)).not.toContain("enqueue q1");
    await last;
    expect(shownOf(thread)).toEqual([]);
  });

  it("has a message that came too late to steer as a run of its own", async () => {
    const { thread, second } = await busyThread(["q1", { background: true }], ["s1", steer]);
    second.open();
    const ended = endOf(thread, "inv_a");
    await cancelRun(thread.life, "inv_a");
    await ended;
    expect(shownOf(thread)).not.toContain("steer s1");
    await endOf(thread, "inv_s1");
    expect(shownOf(thread)).toEqual([]);
  });

  it("leaves out runs that are replaced or that the queue gave up", async () => {
    const { thread, second } = await busyThread(["q1"], ["q2", { background: true }]);
    second.open();
    const given = findRun(thread.life, "inv_q2");
    if (given === null) throw new Error("it was not stored");
    requestEnd(thread.life, given, { status: "failed", error: { code: "dead_letter", message: "" } });
    expect(shownOf(thread)).toEqual(["enqueue q1"]);
    await thread.accept("new", { invocation_id: "inv_new", on_busy: "replace" });
    const replacing = findRun(thread.life, "inv_new");
    if (replacing !== null) cancelBefore(thread.life, replacing);
    expect(shownOf(thread)).toEqual(["enqueue new"]);
    await endOf(thread, "inv_new");
  });

  it("leaves out an answer to a question, which is no message", async () => {
    const ask = call({ id: "c1", name: "ask", input: { question: "which?" } });
    const thread = new FakeThread({ replies: [ask], tools: peopleTools, defaultReply: say("ok") });
    await thread.run("hi", run);
    const resume = [{ interrupt_id: "int_c1", status: "resolved", payload: "blue" } as const];
    await thread.accept("", { invocation_id: "inv_b", messages: [], resume, background: true });
    expect(findRun(thread.life, "inv_b")?.run.status).toBe("queued");
    expect(shownOf(thread)).toEqual([]);
  });
});

describe("a waiting message in the list", () => {
  it("is whole if it is short, and marked if it is cut", async () => {
    const image = { type: "image_url" as const, image_url: { url: `data:image/png;base64,${"A".repeat(9_000)}` } };
    const link = { type: "image_url" as const, image_url: { url: "https://x.example/a.png" } };
    const text = { type: "text" as const, text: "see" };
    const contents: [UserContent, UserContent, boolean][] = [
      ["x".repeat(4_000), "x".repeat(4_000), false],
      [`${"x".repeat(3_999)}🛒`, "x".repeat(3_999), true],
      [[text, link], [text, link], false],
      [[image, text], [text], true],
      [[{ type: "text", text: "y".repeat(5_000) }, link], [{ type: "text", text: "y".repeat(4_000) }], true],
    ];
    const sent = contents.map(([content], place): [string, Partial<RunInput>] => [
      `q${place}`,
      { messages: [{ message_id: `m${place}`, content }] },
    ]);
    const { thread } = await busyThread(...sent);
    const shown = listWaiting(thread.life).map(({ content, is_cut }) => [content, is_cut]);
    expect(shown).toEqual(contents.map(([_sent, content, is_cut]) => [content, is_cut]));
  });

  it("is one of a hundred at most, and of a megabyte together, whatever waits", async () => {
    const text = { type: "text" as const, text: "z".repeat(3_000) };
    const image = { type: "image_url" as const, image_url: { url: `data:,${"A".repeat(2_500)}` } };
    const small = Array.from({ length: 88 }, () => ({ type: "image_url" as const, image_url: { url: "data:," } }));
    const content = [image, text, ...small, ...Array(10).fill(text)];
    const messages = Array.from({ length: 150 }, (_, place) => ({ message_id: `m${place}`, content }));
    const { thread } = await busyThread(["all", { messages }]);
    const shown = listWaiting(thread.life);
    expect(shown.map(({ message_id }) => message_id)).toEqual(Array.from({ length: 100 }, (_, place) => `m${place}`));
    expect(JSON.stringify(shown).length).toBeLessThan(1_000_000);
  });
});
