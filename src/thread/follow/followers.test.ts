import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { endless, followed, shop, until } from "../../../test/fakes/followed-thread.ts";
import { call, type Reply, reply, say } from "../../../test/fakes/replies.ts";
import { place, SlackChannel } from "../../../test/fakes/slack-channel.ts";
import { FakeClock } from "../../../test/fakes/stream.ts";
import { taskIdsIn } from "../../../test/fakes/task-ids.ts";
import type { RunMirror } from "../../agent/mirror.ts";
import { succeed } from "../../protocol/error.ts";
import type { SlackWorkspace } from "../../protocol/slack.ts";
import { createSlackMirror } from "../../slack/mirror.ts";
import { cancelRun } from "../run/control.ts";
import { schedule } from "../scheduler.ts";
import { ensureFollowing } from "./followers.ts";

describe("a thread that is mirrored in Slack", () => {
  it("shows a run's text there as it comes, and has nothing left to do at the end", async () => {
    const { thread, channel } = followed({ replies: [say("Hel", "lo from ", "the model")] });
    await thread.accept("hi", { follow: place });
    await until(() => thread.life.followers.size === 0);
    expect(channel.said).toBe("Hello from the model");
    expect(channel.messages).toHaveLength(1);
    expect(thread.failures).toEqual([]);
  });

  it("shows runs that were started elsewhere too, after one input that named the place", async () => {
    const { thread, channel } = followed({ replies: [say("One"), say("Two")] });
    await thread.accept("hi", { follow: place });
    await until(() => thread.life.followers.size === 0);
    await thread.accept("from the web page");
    await until(() => thread.life.followers.size === 0);
    expect(channel.messages.map(({ text }) => text)).toEqual(["One", "Two"]);
  });

  it("shows the plan with the final states of its tasks", async () => {
    const { thread, channel } = followed({
      replies: [
        call(shop),
        async (request, onDelta, signal) => {
          const [id = ""] = taskIdsIn(JSON.stringify(request.messages));
          const finish = { id: "c2", name: "update_tasks", input: { task_ids: [id], status: "completed" } };
          return call(finish)(request, onDelta, signal);
        },
        say("Built."),
      ],
    });
    await thread.accept("build a shop", { follow: place });
    await until(() => thread.life.followers.size === 0);
    expect(Object.values(channel.messages[0]?.tasks ?? {})).toContain("complete");
    expect(channel.said).toBe("Built.");
  });

  it("asks with buttons and then costs nothing: no call, no alarm", async () => {
    const question = { id: "c1", name: "ask", input: { question: "Red or blue?", choices: ["Red", "Blue"] } };
    const { thread, channel } = followed({ replies: [call(question)] });
    await thread.accept("paint it", { follow: place });
    await until(() => thread.life.followers.size === 0 && thread.life.live.size === 0);
    expect(JSON.stringify(channel.messages[0]?.blocks)).toContain("taskloom:choice:1");
    const set = thread.alarms.length;
    thread.life.alarmAt = null;
    await schedule(thread.life);
    expect(thread.alarms.length).toBe(set);
  });

  it("removes the buttons if the question was answered elsewhere, and keeps them if a click answered it", async () => {
    for (const [metadata, hasButtons] of [
      [{}, false],
      [{ slack: { answers: { int_c1: { text: "Red", by: "U1" } } } }, true],
    ] as const) {
      const question = { id: "c1", name: "ask", input: { question: "Red or blue?", choices: ["Red", "Blue"] } };
      const { thread, channel } = followed({ replies: [call(question), say("Red it is.")] });
      await thread.accept("paint it", { follow: place });
      await until(() => thread.life.followers.size === 0 && thread.life.live.size === 0);
      thread.crash();
      await thread.accept("Red", { metadata });
      await until(() => thread.life.followers.size === 0);
      expect(JSON.stringify(channel.messages[0]?.blocks).includes("taskloom:choice")).toBe(hasButtons);
      expect(channel.messages[1]?.text).toBe("Red it is.");
    }
  });

  it("gives up if the workspace is no longer connected, and the run continues", async () => {
    const { thread } = followed({ replies: [say("Hello")], callSlack: undefined });
    const reader = await thread.run("hi", { follow: place });
    await until(() => thread.life.followers.size === 0);
    expect(reader.events.at(-1)).toMatchObject({ type: "RUN_FINISHED" });
    expect(thread.life.errors.at(-1)?.message).toContain("not_found");
  });

  it("takes back the text of a reply that the model repeats, and keeps the reply before it", async () => {
    const plans: Reply = async (request, onDelta, signal) => {
      onDelta({ type: "text", text: "First a plan." });
      const outcome = await call(shop)(request, onDelta, signal);
      return outcome.kind === "reply" ? reply({ ...outcome.reply, text: "First a plan." }) : outcome;
    };
    const breaksOff: Reply = async (_request, onDelta) => {
      onDelta({ type: "text", text: "Half a rep" });
      const failure = { code: "model_error" as const, message: "cut", retryable: true, retry_after_ms: 1 };
      return { kind: "failure", failure };
    };
    const { thread, channel } = followed({ replies: [plans, breaksOff, say("Done.")] });
    await thread.accept("hi", { follow: place });
    await until(() => thread.life.followers.size === 0);
    expect(channel.said.replace(/\n*\*\*Shop[\s\S]*/, "")).toBe("First a plan.\n\nDone.");
  });

  it("says that a run was stopped before it started, and shows no plan and no buttons for it", async () => {
    const { pending, end } = endless("One");
    const question = { id: "c1", name: "ask", input: { question: "Red or blue?", choices: ["Red", "Blue"] } };
    const { thread, channel } = followed({ replies: [call(shop), call(question), pending] });
    await thread.accept("hi", { follow: place });
    await until(() => thread.life.followers.size === 0 && thread.life.live.size === 0);
    await thread.accept("go on", { invocation_id: "inv_active", answers_nothing: true });
    await thread.accept("and on", { invocation_id: "inv_waiting" });
    await cancelRun(thread.life, "inv_waiting");
    end();
    await until(() => thread.life.followers.size === 0 && thread.life.live.size === 0);
    const shown = channel.messages.map(({ text, blocks }) => text + JSON.stringify(blocks));
    expect(shown).toHaveLength(4);
    expect(shown[1]).not.toContain("taskloom:choice");
    expect(shown[3]).toContain("Stopped");
    expect(shown[3]).not.toContain("Build it");
  });

  it("moves to another platform that a later message names, and gives it no question of the former one", async () => {
    const asked: unknown[] = [];
    const other: RunMirror = {
      kind: "other",
      name: "Other",
      nothing: {},
      open: async () =>
        succeed({
          next: (showing) => {
            asked.push(showing.asked);
            return showing.view.end === null ? { kind: "wait", until: null, isSaid: false } : { kind: "over" };
          },
        }),
    };
    const channel = new SlackChannel();
    const slack = createSlackMirror(async () =>
      succeed({
        workspace: { bot_user_id: "UBOT" } as SlackWorkspace,
        call: async (method, fields) => channel.do(method, fields),
      }),
    );
    const question = { id: "c1", name: "ask", input: { question: "Red or blue?", choices: ["Red", "Blue"] } };
    const { thread } = followed({ replies: [call(question), say("Red it is.")], mirrors: [slack, other] }, channel);
    await thread.accept("paint it", { follow: place });
    await until(() => thread.life.followers.size === 0 && thread.life.live.size === 0);
    await thread.accept("Red", { follow: { kind: "other" } });
    await until(() => thread.life.followers.size === 0);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((one) => one !== null)).toEqual([]);
    expect(channel.messages).toHaveLength(1);
  });

  it("is no reader of the stream: it takes no reader's slot and costs one write before each call", async () => {
    let calls = 0;
    let writes = 0;
    const { pending, end } = endless("Hello");
    const channel = new SlackChannel();
    const clock = new FakeClock();
    const { thread } = followed({
      replies: [pending],
      clock,
      dies: (when) => {
        if (when === "after") writes += 1;
        return false;
      },
      callSlack: async (method, fields) => {
        calls += 1;
        return channel.do(method, fields);
      },
    });
    await thread.accept("hi", { follow: place });
    await until(() => channel.messages.length === 1);
    expect(thread.life.readers.count).toBe(0);
    const [writesBefore, callsBefore] = [writes, calls];
    const part = thread.life.journal.liveParts()[0]?.part_id ?? "";
    for (let word = 0; word < 1_000; word++) thread.life.journal.addDelta(part, " word");
    while (channel.said.length < 5_005) {
      clock.advance(100);
      await setImmediate();
    }
    expect(writes - writesBefore).toBe(calls - callsBefore);
    end();
    await until(() => thread.life.followers.size === 0);
  });

  it("is given up where its mirror throws at whatever is stored, and no life and no message is lost by it", async () => {
    const broken = (): never => {
      throw new Error("what is shown can't be read");
    };
    const other: RunMirror = {
      kind: "other",
      name: "Other",
      nothing: {},
      open: async () => succeed({ next: broken }),
      joinPlaces: broken,
      placeAfter: broken,
      question: broken,
      isAnswer: broken,
    };
    const clock = new FakeClock();
    const { thread } = followed({ defaultReply: say("Hello"), clock, mirrors: [other] });
    for (const message of ["hi", "and on"])
      expect(await thread.accept(message, { follow: { kind: "other" } })).toMatchObject({ ok: true });
    while (thread.life.followers.size > 0) {
      ensureFollowing(thread.life);
      await until(() => [...thread.life.followers.values()].every(({ isActive }) => !isActive));
      clock.advance(600_000);
    }
    expect(thread.life.database.sql.exec("SELECT * FROM followers").toArray()).toEqual([]);
    expect([thread.aborts, thread.failures]).toEqual([[], []]);
    expect(thread.life.errors.map(({ message }) => message)).toEqual(
      Array(2).fill("a run is no longer shown in Other: it failed too often"),
    );
  });

  it("stops when the thread is removed", async () => {
    const { thread } = followed({ replies: [say("Hello")] });
    await thread.accept("hi", { follow: place });
    thread.life.removing = true;
    const [follower] = thread.life.followers.values();
    await until(() => follower?.isActive === false);
    expect(thread.failures).toEqual([]);
  });
});
