import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { place, SlackChannel } from "../../../test/fakes/slack-channel.ts";
import { runCount } from "../../../test/setup/run-count.ts";
import { addEvent, emptyView, type RunView } from "../../agent/run-view.ts";
import type { Interrupt, Run } from "../../protocol/run.ts";
import type { SlackAnswer } from "../api.ts";
import { textForSlack } from "./render.ts";
import { nextStep } from "./show.ts";
import { applyAnswer, nothingShown, recoverShown, type Shown, type Step } from "./shown.ts";

const run = { thread_id: "thread_1", invocation_id: "inv_1" };

const question: Interrupt = {
  id: "int_1",
  reason: "question",
  message: "Which <color>?",
  tool_call_id: "call",
  response_schema: { type: "string", enum: ["Red", "Blue"] },
  expires_at: null,
};

function ended(status: Run["status"], more: Partial<Run> = {}): Run {
  return {
    ...run,
    project_id: "proj_1",
    user_id: "user_1",
    agent_id: "agent_default",
    agent_version: 1,
    model: "m",
    instance_id: null,
    status,
    attempt: 1,
    steps: 1,
    background: false,
    resumes: null,
    metadata: {},
    usage: { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0, cost_usd: null },
    result: null,
    error: null,
    interrupts: [],
    hops: 0,
    caused_by: [],
    created_at: "",
    started_at: "",
    finished_at: "",
    ...more,
  };
}

type Fate = "done" | "lost before" | "lost after" | "later" | "dies before" | "dies after";

/** Makes calls until none is due. After a fate that dies, it continues as a new life does, from what was stored. */
function show(
  view: RunView,
  shown: Shown,
  channel: SlackChannel,
  now: number,
  fates: () => Fate,
): { shown: Shown; step: Step } {
  let stored = shown;
  for (let calls = 0; calls < 400; calls++) {
    const step = nextStep({ view, shown: stored, place, bot: "UBOT", run, asked: null }, now);
    if (step.kind === "wait" || step.kind === "over") return { shown: stored, step };
    stored = { ...stored, doing: { kind: step.kind, page: step.page } };
    const fate = fates();
    const reached = fate === "done" || fate === "lost after" || fate === "dies after";
    const answer = reached ? channel.do(step.method, step.fields) : null;
    if (fate.startsWith("dies")) stored = recoverShown(JSON.parse(JSON.stringify(stored)) as Shown);
    else {
      const received: SlackAnswer =
        fate === "done" && answer !== null
          ? answer
          : fate === "later"
            ? { kind: "later", after_ms: 1_000 }
            : { kind: "unknown", reason: "lost" };
      const after = applyAnswer(stored, step, received, now);
      if (after === null) throw new Error(`gave up at ${step.method}`);
      stored = after;
    }
  }
  throw new Error("there is no end of calls");
}

const always = (): Fate => "done";

function said(view: RunView, id: string, text: string): void {
  addEvent(view, { type: "TEXT_MESSAGE_START", messageId: id, role: "assistant" });
  addEvent(view, { type: "TEXT_MESSAGE_CONTENT", messageId: id, delta: text });
}

function more(view: RunView, id: string, delta: string): void {
  addEvent(view, { type: "TEXT_MESSAGE_CONTENT", messageId: id, delta });
}

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

type Act =
  | { type: "say"; text: string }
  | { type: "new" }
  | { type: "void" }
  | { type: "plan"; tasks: number }
  | { type: "tick" };

const anyAct: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant("say" as const),
      text: fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ type: "say" as const, text: `${"long line of a reply\n".repeat(200)}` }) },
  { weight: 3, arbitrary: fc.constant({ type: "new" as const }) },
  { weight: 1, arbitrary: fc.constant({ type: "void" as const }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("plan" as const), tasks: fc.nat(60) }) },
  { weight: 3, arbitrary: fc.constant({ type: "tick" as const }) },
);
const anyFate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 6, arbitrary: fc.constant("done" as const) },
  { weight: 4, arbitrary: fc.constantFrom<Fate>("lost before", "lost after", "later", "dies before", "dies after") },
);

describe("a run in Slack, whatever happens to calls and lives", () => {
  it("ends with each word once, in order, and the last state of the plan", () => {
    fc.assert(
      fc.property(
        fc.array(anyAct, { maxLength: 40 }),
        fc.array(anyFate, { maxLength: 60 }),
        fc.boolean(),
        fc.boolean(),
        (acts, fates, refused, asks) => {
          const view = { ...emptyView(), begunAt: 0, planBefore: 0 };
          const channel = new SlackChannel();
          channel.streamsRefused = refused;
          const left = [...fates];
          let shown = nothingShown;
          let now = 0;
          let texts = 0;
          for (const act of acts) {
            if (act.type === "new" || (act.type === "say" && view.texts.length === 0)) said(view, `m${++texts}`, "");
            if (act.type === "say") more(view, view.texts.at(-1)?.id ?? "", act.text);
            if (act.type === "void") view.texts.pop();
            if (act.type === "plan") {
              const tasks = Array.from({ length: act.tasks }, (_, place) => ({
                id: `t${place}`,
                content: "x",
                status: "pending" as const,
              }));
              view.plan = { version: view.plan.version + 1, sections: [{ id: "s", title: "S", tasks }] };
            }
            now += 4_000;
            ({ shown } = show(view, shown, channel, now, () => left.shift() ?? "done"));
          }
          view.end = asks ? ended("interrupted", { interrupts: [question] }) : ended("completed");
          for (let turn = 0; ; turn++) {
            now += 3_600_000;
            const result = show(view, shown, channel, now, () => left.shift() ?? "done");
            shown = result.shown;
            if (result.step.kind === "over") break;
            expect(turn).toBeLessThan(100);
          }
          const plain = channel.said.replace(/\*\*S\*\*[\s\S]*$/, "").trimEnd();
          expect(plain.replaceAll("\n", "")).toBe(textForSlack(view).replaceAll("\n", ""));
          expect(channel.messages.some(({ streaming }) => streaming)).toBe(false);
          expect(JSON.stringify(channel.messages)).not.toContain("taskloom:stop");
          const asking = channel.messages.filter(({ blocks }) => JSON.stringify(blocks).includes("taskloom:choice:0"));
          expect(asking.length).toBe(asks ? 1 : 0);
        },
      ),
      { numRuns: Number(process.env.SLACK_RUNS ?? runCount(300)) },
    );
  });
});
