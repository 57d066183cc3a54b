import { describe, expect, it } from "vitest";
import { Gate } from "../../../test/fakes/gate.ts";
import { say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { patchThread } from "../threads.ts";

const image = { type: "image_url", image_url: { url: "https://x.example/a.png" } } as const;

/** The titles in the thread's own rows that were sent to D1. */
function sentTitles({ batches }: FakeThread): (string | null)[] {
  return batches.flatMap(({ thread }) => (thread === null ? [] : [thread.title]));
}

describe("a thread without a title", () => {
  it("is named after its first message, in the first batch to D1, and not renamed later", async () => {
    const thread = new FakeThread({ defaultReply: say("ok") });
    await thread.run("\n  Build me\ta shop \nwith a cart");
    await thread.run("and a bookshop");
    thread.crash();
    await thread.run("and a bakery");
    expect(thread.life.thread.title).toBe("Build me a shop");
    expect(sentTitles(thread)).toEqual(["Build me a shop"]);
  });

  it("is sent to D1 once more, with its title, if D1 had it already", async () => {
    const thread = new FakeThread({ defaultReply: say("ok") });
    await thread.life.outbox.sync();
    await thread.run("Build me a shop");
    await thread.run("and a bookshop");
    expect(sentTitles(thread)).toEqual([null, "Build me a shop"]);
  });

  it("stays unnamed while messages have no text, and takes the text of any part", async () => {
    const thread = new FakeThread({ defaultReply: say("ok") });
    await thread.run("", { messages: [{ message_id: "m1", content: [image] }] });
    expect(thread.life.thread.title).toBeNull();
    const content = [{ type: "text" as const, text: " \u202e" }, image, { type: "text" as const, text: "Look" }];
    await thread.run("", { messages: [{ message_id: "m2", content }] });
    expect(thread.life.thread.title).toBe("Look");
  });

  it("is named after a steering message if no message came before", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "x"), say("y")] });
    await thread.accept("", { invocation_id: "inv_a", messages: [{ message_id: "m1", content: [image] }] });
    await gate.reached;
    await thread.accept("make it blue", { on_busy: "steer" });
    expect(thread.life.thread.title).toBe("make it blue");
    gate.open();
    await thread.read({ invocation_id: "inv_a" }).untilClosed();
  });

  it("is named as its route says, which may be no name", async () => {
    const thread = new FakeThread({ defaultReply: say("ok") });
    await thread.run("[a note of ours]", { title: null });
    expect(thread.life.thread.title).toBeNull();
    await thread.run("<quote>slow</quote>", { title: "slow" });
    expect(thread.life.thread.title).toBe("slow");
  });

  it("stays unnamed if the message is refused", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "x")] });
    await thread.accept("", { invocation_id: "inv_a", messages: [{ message_id: "m1", content: [image] }] });
    await gate.reached;
    expect(await thread.accept("hi", { on_busy: "reject" })).toMatchObject({ error: { code: "busy" } });
    expect(thread.life.thread.title).toBeNull();
    gate.open();
    await thread.read({ invocation_id: "inv_a" }).untilClosed();
  });
});

describe("a title that was set", () => {
  it("is kept, even if it is empty", async () => {
    for (const title of ["Mine", ""]) {
      const thread = new FakeThread({ defaultReply: say("ok") });
      patchThread(thread.life, { title });
      await thread.run("Build me a shop");
      expect(thread.life.thread.title).toBe(title);
      expect(sentTitles(thread)).toEqual([title]);
    }
  });
});
