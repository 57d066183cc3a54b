// The parts of a run that are shown outside its stream: its texts, its plan and how it ended.
import type { ThreadEvent } from "../protocol/event.ts";
import type { PlanState } from "../protocol/plan/task.ts";
import type { Run } from "../protocol/run.ts";

export interface RunView {
  /** What the person wrote last: of this run, or of one that it answers. Set once the run is over. */
  asked: string;
  /** What the model wrote to the person, in order. */
  texts: { id: string; text: string }[];
  plan: PlanState;
  /** The plan's version when the run began; null while the run waits. */
  planBefore: number | null;
  /** Links to the project's previews. */
  links: { port: number; url: string }[];
  /** When the run began, in ms; null while it waits. */
  begunAt: number | null;
  /** The run once it is over, with its result, its error or its question. */
  end: Run | null;
}

export function emptyView(): RunView {
  return {
    asked: "",
    texts: [],
    plan: { version: 0, sections: [] },
    planBefore: null,
    links: [],
    begunAt: null,
    end: null,
  };
}

/** Updates the view with one event of the run. */
export function addEvent(view: RunView, event: ThreadEvent): void {
  if (event.type === "TEXT_MESSAGE_CONTENT") {
    const text = view.texts.findLast(({ id }) => id === event.messageId);
    if (text !== undefined) text.text += event.delta;
  } else if (event.type === "TEXT_MESSAGE_START" && event.role === "assistant") {
    view.texts.push({ id: event.messageId, text: "" });
  } else if (event.type === "STATE_SNAPSHOT") {
    view.planBefore ??= event.snapshot.plan.version;
  }
}

/** All texts of the run as one. It only grows, unless the model has to repeat a reply. */
export function textOf({ texts, end }: RunView): string {
  const said = texts.map(({ text }) => text.trim()).filter((text) => text !== "");
  const result = end?.result?.text.trim() ?? "";
  // The summary that a model passes to the tool that ends a run is not a text of the stream.
  if (result !== "" && !said.some((text) => text.includes(result))) said.push(result);
  return said.join("\n\n");
}

/** Whether the plan belongs to this run. An older run's plan is not shown again. */
export function showsPlan({ plan, planBefore }: RunView): boolean {
  return plan.sections.length > 0 && plan.version > (planBefore ?? 0);
}
