// What Slack is to show of a run: its texts, its plan and how it ended. Made of the events of the run's stream, so that a new
// life that reads them again comes to the same.
import type { ThreadEvent } from "../../protocol/event.ts";
import type { PlanState } from "../../protocol/plan/task.ts";
import type { Run } from "../../protocol/run.ts";
import { withoutMentions } from "./text.ts";

export interface SlackView {
  /** What the model wrote to the person, in order. */
  texts: { id: string; text: string }[];
  plan: PlanState;
  /** The plan's version when the run began: an older run's plan is not told again. */
  planBefore: number | null;
  links: { port: number; url: string }[];
  /** When the run began; null while it waits. */
  begunAt: number | null;
  /** The run once it is over. */
  end: Run | null;
}

export function emptyView(): SlackView {
  return {
    texts: [],
    plan: { version: 0, sections: [] },
    planBefore: null,
    links: [],
    begunAt: null,
    end: null,
  };
}

/** Changes the view by one event of the run's stream. */
export function addEvent(view: SlackView, event: ThreadEvent): void {
  if (event.type === "TEXT_MESSAGE_START" && event.role === "assistant")
    view.texts.push({ id: event.messageId, text: "" });
  else if (event.type === "TEXT_MESSAGE_CONTENT") {
    const text = view.texts.find(({ id }) => id === event.messageId);
    if (text !== undefined) text.text += event.delta;
  } else if (event.type === "MESSAGES_SNAPSHOT") keepTexts(view, new Set(event.messages.map(({ id }) => id)));
  else if (event.type === "STATE_SNAPSHOT") {
    view.planBefore ??= event.snapshot.plan.version;
  }
}

/** A snapshot amid a run leaves out a reply that is void. It holds the newest messages only, so older texts may be missing. */
function keepTexts(view: SlackView, known: Set<string>): void {
  let last = view.texts.at(-1);
  while (last !== undefined && !known.has(last.id)) {
    view.texts.pop();
    last = view.texts.at(-1);
  }
}

/** All that is said, as one text that only grows while nothing is void: the space at its end waits for what follows. */
export function textOf(view: SlackView): string {
  const texts = view.texts.map(({ text }) => text.trim()).filter((text) => text !== "");
  const result = view.end?.result?.text.trim() ?? "";
  // A summary that the model gave to the tool that ends a run is no text of the stream.
  if (result !== "" && !texts.some((text) => text.includes(result))) texts.push(result);
  return withoutMentions(texts.join("\n\n"));
}

export function showsPlan({ plan, planBefore }: SlackView): boolean {
  return plan.sections.length > 0 && plan.version > (planBefore ?? 0);
}
