import { describe, expect, it } from "vitest";
import { Gate } from "../../../test/fakes/gate.ts";
import { say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { patchThread } from "../threads.ts";

const image = { type: "image_url", image_url: { url: "https://x.example/a.png" } } as const;

/** How often D1 was told of the thread itself, and as what. */
function toldTitles({ batches }: FakeThread): (string | null)[] {
  return batches.flatMap(({ thread }) => (thread === null ? [] : [thread.title]));
}

describe("a thread without a title", () => {
  it("is called as its first message, in the first batch that D1 hears of it, and never again", async () => {
    const thread = new FakeThread({ defaultReply: say("ok") });
    await thread.run("\n  Build me\ta shop \nwith a cart");
    await thread.run("and a bookshop");
    thread.crash();
    await thread.run("and a bakery");
    expect(thread.life.thread.title).toBe("Build me a shop");
    expect(toldTitles(thread)).toEqual(["Build me a shop"]);
  });

  it("costs D1 one more statement where it was made before", async () => {
    const thread = new FakeThread({ defaultReply: say("ok") });
    await thread.life.outbox.sync();
    await thread.run("Build me a shop");
    await thread.run("and a bookshop");
    expect(toldTitles(thread)).toEqual([null, "Build me a shop"]);
  });

  it("waits for words where a message has none, and takes those of any part", async () => {
    const thread = new FakeThread({ defaultReply: say("ok") });
    await thread.run("", { messages: [{ message_id: "m1", content: [image] }] });
    expect(thread.life.thread.title).toBeNull();
    const content = [{ type: "text" as const, text: " \u202e" }, image, { type: "text" as const, text: "Look" }];
    await thread.run("", { messages: [{ message_id: "m2", content }] });
    expect(thread.life.thread.title).toBe("Look");
  });

  it("is called as a message that steers, where nothing was said before it", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "x"), say("y")] });
    await thread.accept("", { invocation_id: "inv_a", messages: [{ message_id: "m1", content: [image] }] });
    await gate.reached;
    await thread.accept("make it blue", { on_busy: "steer" });
    expect(thread.life.thread.title).toBe("make it blue");
    gate.open();
    await thread.read({ invocation_id: "inv_a" }).untilClosed();
  });

  it("is called as its door says, which may be nothing", async () => {
    const thread = new FakeThread({ defaultReply: say("ok") });
    await thread.run("[a note of ours]", { title: null });
    expect(thread.life.thread.title).toBeNull();
    await thread.run("<quote>slow</quote>", { title: "slow" });
    expect(thread.life.thread.title).toBe("slow");
  });

  it("stays without one where the message is refused", async () => {
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

describe("a title that somebody gave", () => {
  it("stays, an empty one too", async () => {
    for (const title of ["Mine", ""]) {
      const thread = new FakeThread({ defaultReply: say("ok") });
      patchThread(thread.life, { title });
      await thread.run("Build me a shop");
      expect(thread.life.thread.title).toBe(title);
      expect(toldTitles(thread)).toEqual([title]);
    }
  });
});
