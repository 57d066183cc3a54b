// The plan as a list: sections with tasks, each with a mark and, for those who listen, a word.
import type { PlanState } from "../protocol/task.ts";
import { element } from "./element.ts";
import { words } from "./words.ts";

export function drawPlan(plan: PlanState): Node[] {
  const tasks = plan.sections.flatMap((section) => section.tasks);
  if (tasks.length === 0) return [];
  const done = tasks.filter(({ status }) => status === "completed").length;
  const heading = element("h2", {}, words.plan, element("span", { class: "count" }, `${done}/${tasks.length}`));
  const progress = element("progress", { max: String(tasks.length), value: String(done), "aria-label": words.plan });
  const sections = plan.sections.map((section) =>
    element(
      "section",
      {},
      element("h3", {}, section.title),
      element("ul", {}, ...section.tasks.map(({ id, content, status }) => drawTask(id, content, status))),
    ),
  );
  return [heading, progress, ...sections];
}

function drawTask(id: string, content: string, status: keyof typeof words.statuses): HTMLElement {
  return element(
    "li",
    { "data-task": id, "data-status": status },
    element("span", { class: "mark", "aria-hidden": "true" }),
    element("span", { class: "content" }, content),
    element("span", { class: "unseen" }, ` (${words.statuses[status]})`),
  );
}
