import { describe, expect, it } from "vitest";
import { ended, type Fate, more, question, run, said, show } from "../../../test/fakes/shown-run.ts";
import { place, SlackChannel } from "../../../test/fakes/slack-channel.ts";
import { emptyView } from "../../agent/run-view.ts";
import type { SlackAnswer } from "../api.ts";
import { nextStep } from "./show.ts";
import { applyAnswer, nothingShown, type Shown } from "./shown.ts";

const always = (): Fate => "done";

describe("a run in Slack", () => {
  it("is one message: started with the first text, appended to, and stopped with a link", () => {
    const view = { ...emptyView(), begunAt: 0 };
    const channel = new SlackChannel();
    const methods: string[] = [];
    const spied = { ...channel, do: channel.do.bind(channel) };
    channel.do = (method, fields) => {
      methods.push(method);
      return spied.do(method, fields);
    };
    let { shown } = show(view, nothingShown, channel, 0, always);
    said(view, "a", "Hello");
    ({ shown } = show(view, shown, channel, 100, always));
    more(view, "a", " world");
    ({ shown } = show(view, shown, channel, 2_000, always));
    view.end = ended("completed", { result: { text: "Hello world", unfinished_tasks: 0 } });
    const { step } = show(view, shown, channel, 2_001, always);
    expect(step).toEqual({ kind: "over" });
    expect(methods).toEqual([
      "assistant.threads.setStatus",
      "chat.startStream",
      "chat.appendStream",
      "chat.stopStream",
    ]);
    expect(channel.messages).toHaveLength(1);
    expect(channel.said).toBe("Hello world");
    expect(JSON.stringify(channel.messages[0]?.blocks)).toContain("https://taskloom.test/#thread=thread_1");
  });

  it("waits between appends, and not before its end", () => {
    const view = { ...emptyView(), begunAt: 0 };
    const channel = new SlackChannel();
    said(view, "a", "One");
    let { shown } = show(view, nothingShown, channel, 1_000, always);
    more(view, "a", " two");
    const waiting = show(view, shown, channel, 1_001, always);
    expect(waiting.step).toMatchObject({ kind: "wait" });
    expect(channel.said).toBe("One");
    view.end = ended("completed");
    ({ shown } = show(view, waiting.shown, channel, 1_002, always));
    expect(channel.said).toBe("One two");
  });

  it("gets a Stop button after five seconds, and loses it at its end", () => {
    const view = { ...emptyView(), begunAt: 0 };
    const channel = new SlackChannel();
    said(view, "a", "Working");
    let first = show(view, nothingShown, channel, 10, always);
    first = show(view, first.shown, channel, 2_000, always);
    expect(first.step).toEqual({ kind: "wait", until: 5_000 });
    const second = show(view, first.shown, channel, 5_000, always);
    expect(channel.messages).toHaveLength(2);
    expect(JSON.stringify(channel.messages[1]?.blocks)).toContain("taskloom:stop");
    view.end = ended("cancelled");
    show(view, second.shown, channel, 9_000, always);
    expect(channel.messages).toHaveLength(1);
  });

  it("shows the plan and each change to it", () => {
    const view = { ...emptyView(), begunAt: 0, planBefore: 0 };
    const channel = new SlackChannel();
    const task = (status: "pending" | "in_progress" | "completed" | "cancelled") => ({
      id: "task_1",
      content: "Build",
      status,
    });
    view.plan = { version: 1, sections: [{ id: "s", title: "Shop", tasks: [task("pending")] }] };
    let { shown } = show(view, nothingShown, channel, 0, always);
    expect(channel.messages[0]?.tasks).toEqual({ task_1: "pending" });
    view.plan = { version: 2, sections: [{ id: "s", title: "Shop", tasks: [task("in_progress")] }] };
    ({ shown } = show(view, shown, channel, 2_000, always));
    expect(channel.messages[0]?.tasks).toEqual({ task_1: "in_progress" });
    view.plan = { version: 3, sections: [] };
    view.end = ended("completed");
    show(view, shown, channel, 4_000, always);
    expect(channel.messages).toHaveLength(1);
  });

  it("shows its questions with buttons that carry the interrupt's id", () => {
    const view = { ...emptyView(), begunAt: 0 };
    view.end = ended("interrupted", {
      interrupts: [question],
    });
    const channel = new SlackChannel();
    show(view, nothingShown, channel, 0, always);
    const blocks = JSON.stringify(channel.messages[0]?.blocks);
    for (const part of ["<color>", "taskloom:choice:0", "taskloom:choice:1", "int_1"]) expect(blocks).toContain(part);
    expect(channel.messages).toHaveLength(1);
  });

  it("posts no message for whose addresses Slack would load a preview", () => {
    const channel = new SlackChannel();
    channel.streamsRefused = true;
    const posted: Record<string, unknown>[] = [];
    const original = channel.do.bind(channel);
    channel.do = (method, fields) => {
      if (method === "chat.postMessage") posted.push(fields);
      return original(method, fields);
    };
    const view = { ...emptyView(), begunAt: 0 };
    said(view, "a", "See https://evil.example/p.png?d=secret");
    const { shown } = show(view, nothingShown, channel, 60_000, always);
    view.end = ended("interrupted", { interrupts: [{ ...question, message: "https://evil.example/q.png?d=secret" }] });
    show(view, shown, channel, 120_000, always);
    expect(posted).toHaveLength(3);
    for (const fields of posted) expect(fields).toMatchObject({ unfurl_links: false, unfurl_media: false });
  });

  it("is posted and updated if Slack refuses streams", () => {
    const view = { ...emptyView(), begunAt: 0 };
    const channel = new SlackChannel();
    channel.streamsRefused = true;
    said(view, "a", "Hello");
    let { shown } = show(view, nothingShown, channel, 0, always);
    more(view, "a", " world");
    ({ shown } = show(view, shown, channel, 10_000, always));
    expect(channel.said).toBe("Hello world");
    view.end = ended("failed", { error: { code: "model_error", message: "no <model>" } });
    show(view, shown, channel, 20_000, always);
    expect(channel.messages).toHaveLength(1);
    expect(JSON.stringify(channel.messages[0]?.blocks)).toContain("no &lt;model&gt;");
  });

  it("replaces a discarded text in the same message", () => {
    const view = { ...emptyView(), begunAt: 0 };
    const channel = new SlackChannel();
    said(view, "a", "Half a");
    let { shown } = show(view, nothingShown, channel, 0, always);
    view.texts.pop();
    said(view, "b", "A whole reply");
    ({ shown } = show(view, shown, channel, 5_000, always));
    view.end = ended("completed");
    show(view, shown, channel, 5_001, always);
    expect(channel.messages).toHaveLength(1);
    expect(channel.said).toBe("A whole reply");
  });

  it("shows its text without waiting for a rate-limited button or status", () => {
    const view = { ...emptyView(), begunAt: 0 };
    const channel = new SlackChannel();
    let fate = (method: string): Fate => (method === "assistant.threads.setStatus" ? "later" : "done");
    const turn = (shown: Shown, now: number) => {
      const step = nextStep({ view, shown, place, bot: "UBOT", run, asked: null }, now);
      if (step.kind === "wait" || step.kind === "over") return { shown, step };
      const answer: SlackAnswer =
        fate(step.method) === "later" ? { kind: "later", after_ms: 60_000 } : channel.do(step.method, step.fields);
      return { shown: applyAnswer(shown, step, answer, now) ?? shown, step };
    };
    let { shown } = turn(nothingShown, 0);
    said(view, "a", "One");
    ({ shown } = turn(shown, 1));
    expect(channel.said).toBe("One");
    // The Stop button is due.
    fate = (method) => (method === "chat.postMessage" ? "later" : "done");
    ({ shown } = turn(shown, 6_000));
    more(view, "a", " two");
    ({ shown } = turn(shown, 6_001));
    expect(channel.said).toBe("One two");
    expect(turn(shown, 8_000).step).toEqual({ kind: "wait", until: 66_000 });
    fate = () => "done";
    ({ shown } = turn(shown, 66_000));
    expect(channel.messages).toHaveLength(2);
    view.end = ended("completed");
    fate = (method) => (method === "chat.delete" ? "later" : "done");
    ({ shown } = turn(shown, 70_000));
    ({ shown } = turn(shown, 70_001));
    expect(turn(shown, 70_002).step).toEqual({ kind: "wait", until: 130_001 });
    fate = () => "done";
    ({ shown } = turn(shown, 130_001));
    expect(turn(shown, 130_002).step).toEqual({ kind: "over" });
    expect(channel.messages).toHaveLength(1);
  });

  it("is given up if its channel no longer exists", () => {
    const view = { ...emptyView(), begunAt: 0 };
    said(view, "a", "Hello");
    const step = nextStep(
      { view, shown: { ...nothingShown, hasStatus: true }, place, bot: "UBOT", run, asked: null },
      0,
    );
    if (step.kind === "wait" || step.kind === "over") throw new Error("there is nothing to do");
    expect(applyAnswer(nothingShown, step, { kind: "refused", error: "channel_not_found" }, 0)).toBeNull();
  });
});
