// A run that is shown in a Slack channel, and what happens to each call.
import { addEvent, type RunView } from "../../src/agent/run-view.ts";
import type { Interrupt, Run } from "../../src/protocol/run.ts";
import type { SlackAnswer } from "../../src/slack/api.ts";
import { nextStep } from "../../src/slack/show/show.ts";
import { applyAnswer, recoverShown, type Shown, type Step } from "../../src/slack/show/shown.ts";
import { place, type SlackChannel } from "./slack-channel.ts";

export const run = { thread_id: "thread_1", invocation_id: "inv_1" };

export const question: Interrupt = {
  id: "int_1",
  reason: "question",
  message: "Which <color>?",
  tool_call_id: "call",
  response_schema: { type: "string", enum: ["Red", "Blue"] },
  expires_at: null,
};

export function ended(status: Run["status"], more: Partial<Run> = {}): Run {
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

export type Fate = "done" | "lost before" | "lost after" | "later" | "dies before" | "dies after";

/** Makes calls until none is due. After a fate that dies, it continues as a new life does, from what was stored. */
export function show(
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

export function said(view: RunView, id: string, text: string): void {
  addEvent(view, { type: "TEXT_MESSAGE_START", messageId: id, role: "assistant" });
  addEvent(view, { type: "TEXT_MESSAGE_CONTENT", messageId: id, delta: text });
}

export function more(view: RunView, id: string, delta: string): void {
  addEvent(view, { type: "TEXT_MESSAGE_CONTENT", messageId: id, delta });
}
