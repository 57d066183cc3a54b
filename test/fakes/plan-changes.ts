// A task list with ids that count up, and what a change makes of it.

import { createTasks, type PlanChange } from "../../src/agent/plan/rules.ts";
import { emptyPlan } from "../../src/agent/plan/view.ts";
import type { Plan } from "../../src/protocol/plan/task.ts";

export function numbered(): (prefix: "task" | "sec") => string {
  const counts = { task: 0, sec: 0 };
  return (prefix) => `${prefix}_${++counts[prefix]}`;
}

export function accepted(change: PlanChange): Plan {
  if (!change.ok) throw new Error(`refused: ${change.message}`);
  return change.plan;
}

export function refused(change: PlanChange): string {
  if (change.ok) throw new Error("was accepted");
  return change.message;
}

/** Build: A, B. Ship: C, D. */
export function shop(makeId = numbered()): Plan {
  const sections = [
    { title: "Build", tasks: ["A", "B"] },
    { title: "Ship", tasks: ["C", "D"] },
  ];
  return accepted(createTasks(emptyPlan, { sections }, makeId));
}

export const statuses = (plan: Plan) => plan.tasks.map((task) => task.status).join(" ");
