// Refusals, rate limits and size limits of Slack, beside the usual course that show.test.ts covers.
import { describe, expect, it } from "vitest";
import { place, SlackChannel } from "../../../test/fakes/slack-channel.ts";
import { emptyView, type RunView } from "../../agent/run-view.ts";
import type { Run } from "../../protocol/run.ts";
import type { SlackAnswer } from "../api.ts";
import { nextStep } from "./show.ts";
import { applyAnswer, type Call, nothingShown, type Shown, type Step } from "./shown.ts";

const run = { thread_id: "thread_1", invocation_id: "inv_1" };
const ended = { ...run, status: "completed", error: null, result: null, interrupts: [] } as unknown as Run;

function stepOf(view: RunView, shown: Shown, now: number): Step {
  return nextStep({ view, shown, place, bot: "UBOT", run, asked: null }, now);
}

function isCall(step: Step): step is Extract<Step, Call> {
  return step.kind !== "wait" && step.kind !== "over";
}

function writing(text: string): RunView {
  return { ...emptyView(), begunAt: 0, planBefore: 0, texts: [{ id: "a", text }] };
}

/** Makes calls until none is due, or the mirror gives up. */
function show(view: RunView, shown: Shown, now: number, answer: (step: Extract<Step, Call>) => SlackAnswer): Shown {
  let known = shown;
  for (let calls = 0; calls < 200; calls++) {
    const step = stepOf(view, known, now);
    if (!isCall(step)) return known;
    const after = applyAnswer(known, step, answer(step), now);
    if (after === null) throw new Error("given up");
    known = after;
  }
  throw new Error("there is no end of calls");
}

describe("a message of Slack's thread", () => {
  it("loses the plan to the next message when the text continues there", () => {
    const channel = new SlackChannel();
    const view = writing("Working.\n");
    const task = { id: "task_1", content: "Build", status: "in_progress" as const };
    view.plan = { version: 1, sections: [{ id: "s", title: "Shop", tasks: [task] }] };
    const answer = (step: Extract<Step, Call>) => channel.do(step.method, step.fields);
    const shown = show(view, nothingShown, 10, answer);
    expect(channel.messages[0]?.tasks).toEqual({ task_1: "in_progress" });
    view.texts = [{ id: "a", text: `Working.\n${"a line of the reply\n".repeat(500)}` }];
    view.plan = { version: 2, sections: [{ id: "s", title: "Shop", tasks: [{ ...task, status: "completed" }] }] };
    show({ ...view, end: ended }, shown, 10_000, answer);
    const plans = channel.messages.map(({ tasks, blocks }) => ({ tasks, blocks: JSON.stringify(blocks) }));
    expect(plans.length).toBeGreaterThan(1);
    expect(plans.at(-1)?.tasks).toEqual({ task_1: "complete" });
    for (const { tasks, blocks } of plans.slice(0, -1)) {
      expect(tasks).toEqual({});
      expect(blocks).not.toContain("Build");
    }
  });

  it.each(["message_not_found", "cant_delete_message"])(
    "that can't be deleted because of %s is left alone, and the next text gets its own message",
    (error) => {
      const channel = new SlackChannel();
      const long = "a line of the reply\n".repeat(500);
      const done = (step: Extract<Step, Call>) => channel.do(step.method, step.fields);
      let shown: Shown = { ...nothingShown, controlRefused: true };
      for (const now of [10, 5_000]) shown = show(writing(long), shown, now, done);
      expect(channel.messages).toHaveLength(2);
      const refusing = (step: Extract<Step, Call>): SlackAnswer => {
        if (step.kind !== "delete") return done(step);
        if (error === "message_not_found") done(step);
        return { kind: "refused", error };
      };
      for (const now of [10_000, 20_000, 30_000]) shown = show(writing("Anew. "), shown, now, refusing);
      const kept = channel.messages.length;
      show({ ...writing(long), end: ended }, shown, 40_000, done);
      expect(channel.messages).toHaveLength(kept + 1);
      expect(channel.said.endsWith("a line of the reply")).toBe(true);
    },
  );

  it("has task titles within Slack's limit that mention nobody", () => {
    const view = writing("");
    const content = "<!channel>".repeat(60);
    view.plan = {
      version: 1,
      sections: [{ id: "s", title: content, tasks: [{ id: "t", content, status: "pending" }] }],
    };
    const step = stepOf(view, { ...nothingShown, hasStatus: true }, 10);
    const chunks = isCall(step) ? (step.fields.chunks as { id?: string; title: string }[]) : [];
    expect(chunks.find(({ id }) => id === "t")?.title).toMatch(/^<\u200b!channel>/);
    for (const { title } of chunks) expect(title.length).toBeLessThanOrEqual(200);
  });
});

describe("the longest message", () => {
  it("fits into Slack's 12,000 characters without blocks", () => {
    const tasks = Array.from({ length: 100 }, (_, at) => ({
      id: `t${at}`,
      content: "x".repeat(200),
      status: "pending" as const,
    }));
    const view = writing("x".repeat(7_500));
    view.plan = { version: 1, sections: [{ id: "s", title: "Shop", tasks }] };
    view.links = Array.from({ length: 5 }, (_, port) => ({ port, url: `https://${port}-${"p".repeat(180)}.example/` }));
    view.end = { ...ended, status: "failed", error: { code: "model_error", message: "y".repeat(9_000) } };
    const step = stepOf(view, { ...nothingShown, streams: false, plain: true }, 10);
    const text = isCall(step) ? String(step.fields.markdown_text) : "";
    expect(text).toContain("#thread=thread_1");
    expect(text.length).toBeLessThanOrEqual(12_000);
  });
});

describe("the calls for a run", () => {
  it("do not read its text while no append is due", () => {
    const view = writing("One");
    const shown = show(view, { ...nothingShown, hasStatus: true }, 10, () => ({ kind: "done", body: { ts: "1.1" } }));
    let looks = 0;
    const watched = Object.defineProperty({ ...view }, "texts", {
      get: () => {
        looks += 1;
        return [{ id: "a", text: "One two" }];
      },
    });
    expect(stepOf(watched, shown, 11)).toMatchObject({ kind: "wait" });
    expect(looks).toBe(0);
    expect(stepOf(watched, shown, 2_000)).toMatchObject({ kind: "append" });
  });

  it("become rarer while each message is lost and none is found", () => {
    const view = { ...writing("One"), end: ended };
    let shown: Shown = { ...nothingShown, hasStatus: true };
    let now = 10;
    let starts = 0;
    while (now < 60 * 60_000) {
      const step = stepOf(view, shown, now);
      if (step.kind === "wait") now = step.until ?? Number.POSITIVE_INFINITY;
      if (!isCall(step)) continue;
      if (step.kind === "start") starts += 1;
      const answer: SlackAnswer =
        step.kind === "find" ? { kind: "done", body: { messages: [] } } : { kind: "unknown", reason: "HTTP 503" };
      shown = applyAnswer(shown, step, answer, now) ?? shown;
    }
    expect(starts).toBeLessThan(30);
  });

  it("end if Slack contradicts itself on whether a message is still streamed", () => {
    const view = { ...writing("One"), end: ended };
    const calls: string[] = [];
    const answer = (step: Extract<Step, Call>): SlackAnswer => {
      calls.push(step.kind);
      if (step.kind === "update") return { kind: "refused", error: "streaming_state_conflict" };
      return { kind: "done", body: { ts: "1.1" } };
    };
    const page = { ts: "1.1", state: "streaming" as const, sent: 0, mark: "", tasks: {} };
    expect(() => show(view, { ...nothingShown, pages: [page] }, 10, answer)).toThrow("given up");
    expect(calls.length).toBeLessThan(30);
  });

  it("are in doubt if Slack does not name the message it made", () => {
    const step = stepOf(writing("One"), { ...nothingShown, hasStatus: true }, 10);
    if (!isCall(step)) throw new Error("there is nothing to do");
    const after = applyAnswer(nothingShown, step, { kind: "done", body: { ok: true } }, 10);
    expect(after).toMatchObject({ pages: [], doubt: "start" });
  });

  it("continue without the status, for whatever reason Slack refuses it", () => {
    const view = writing("");
    const step = stepOf(view, nothingShown, 10);
    if (!isCall(step)) throw new Error("there is nothing to do");
    for (const error of ["no_permission", "channel_not_found", "restricted_action", "missing_scope"])
      expect(applyAnswer(nothingShown, step, { kind: "refused", error }, 10)).toMatchObject({ hasStatus: true });
  });
});
