// What a mirror shows after it had to wait, or in a new life.
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { endless, followed, shop, until } from "../../../test/fakes/followed-thread.ts";
import { call, say } from "../../../test/fakes/replies.ts";
import { place, SlackChannel } from "../../../test/fakes/slack-channel.ts";
import { FakeClock } from "../../../test/fakes/stream.ts";
import type { SlackAnswer } from "../../slack/api.ts";

describe("a thread that is mirrored in Slack", () => {
  it("leaves calls that Slack refuses for now to the alarm, and lets the object sleep meanwhile", async () => {
    const clock = new FakeClock();
    let isDown = true;
    const channel = new SlackChannel();
    const callSlack = async (method: string, fields: Record<string, unknown>): Promise<SlackAnswer> =>
      isDown ? { kind: "later", after_ms: 60_000 } : channel.do(method, fields);
    const { thread } = followed({ replies: [say("Hello")], clock, callSlack }, channel);
    await thread.run("hi", { follow: place });
    const [follower] = thread.life.followers.values();
    await until(() => follower?.isActive === false);
    expect(thread.alarms.at(-1)).toBe(clock.now() + 60_000);
    expect(clock.timers).toBe(0);
    isDown = false;
    // Another life, as after a sleep.
    thread.crash();
    clock.advance(60_000);
    await thread.alarm();
    await until(() => thread.life.followers.size === 0);
    expect(channel.said).toBe("Hello");
  });

  it("shows a run's text before that of the next run, and sets no alarm for the next run meanwhile", async () => {
    const clock = new FakeClock();
    const channel = new SlackChannel();
    let isDown = true;
    const callSlack = async (method: string, fields: Record<string, unknown>): Promise<SlackAnswer> => {
      if (method !== "chat.startStream" || !isDown) return channel.do(method, fields);
      isDown = false;
      return { kind: "later", after_ms: 600_000 };
    };
    const { thread } = followed({ replies: [say("One"), say("Two")], clock, callSlack }, channel);
    await thread.run("hi", { follow: place });
    await until(() => !isDown && [...thread.life.followers.values()].every(({ isActive }) => !isActive));
    await thread.run("and on");
    thread.crash();
    await thread.alarm();
    expect(channel.messages).toEqual([]);
    expect(thread.alarms.at(-1)).toBe(clock.now() + 600_000);
    clock.advance(600_000);
    await thread.alarm();
    await until(() => thread.life.followers.size === 0);
    expect(channel.messages.map(({ text }) => text)).toEqual(["One", "Two"]);
  });

  it("shows the next run's text if all that is left of a run are buttons that Slack does not remove yet", async () => {
    const clock = new FakeClock();
    const channel = new SlackChannel();
    const callSlack = async (method: string, fields: Record<string, unknown>): Promise<SlackAnswer> =>
      method === "chat.delete" ? { kind: "later", after_ms: 600_000 } : channel.do(method, fields);
    const { pending, end } = endless("One");
    const { thread } = followed({ replies: [pending, say("Two")], clock, callSlack }, channel);
    await thread.accept("hi", { follow: place });
    await until(() => channel.messages.length === 1);
    while (channel.messages.length < 2) {
      clock.advance(1_000);
      await setImmediate();
    }
    end();
    await until(() => [...thread.life.followers.values()].every(({ isActive }) => !isActive));
    await thread.run("and on");
    await until(() => thread.life.followers.size === 1);
    expect(channel.messages.at(-1)?.text).toBe("Two");
  });

  it("does not take a former run's message for its own if it does not know whether its own was posted", async () => {
    const clock = new FakeClock();
    const channel = new SlackChannel();
    let starts = 0;
    const callSlack = async (method: string, fields: Record<string, unknown>): Promise<SlackAnswer> => {
      if (method === "chat.startStream") starts += 1;
      return method === "chat.startStream" && starts === 2
        ? { kind: "unknown", reason: "lost" }
        : channel.do(method, fields);
    };
    const { pending, end } = endless("One");
    const { thread } = followed({ replies: [pending, say("Two")], clock, callSlack }, channel);
    await thread.accept("hi", { follow: place });
    await until(() => channel.messages.length === 1);
    await thread.accept("and on");
    end();
    while (thread.life.followers.size > 0) {
      await setImmediate();
      clock.advance(200);
    }
    expect(channel.messages.map(({ text }) => text)).toEqual(["One", "Two"]);
  });

  it("continues its messages after a wait or in a new life, once it has read its run again", async () => {
    for (const isNewLife of [false, true]) {
      const clock = new FakeClock();
      const channel = new SlackChannel();
      const methods: string[] = [];
      const callSlack = async (method: string, fields: Record<string, unknown>): Promise<SlackAnswer> => {
        methods.push(method);
        const isFirst = methods.filter((known) => known === "chat.stopStream").length === 2;
        if (method === "chat.stopStream" && isFirst) return { kind: "later", after_ms: 60_000 };
        return channel.do(method, fields);
      };
      const text = "a line of a long reply\n".repeat(400);
      const { thread } = followed({ replies: [call(shop), say(text)], clock, callSlack }, channel);
      await thread.run("hi", { follow: place });
      await until(() => [...thread.life.followers.values()].every(({ isActive }) => !isActive));
      if (isNewLife) thread.crash();
      const before = methods.length;
      clock.advance(60_000);
      await thread.alarm();
      await until(() => thread.life.followers.size === 0);
      expect(methods.slice(before)).toEqual(["chat.stopStream"]);
      expect(channel.messages).toHaveLength(2);
      expect(channel.said).toBe(text.trim());
    }
  });
});
