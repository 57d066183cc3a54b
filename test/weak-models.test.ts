// Ten habits of weak models, each in two forms. One heeds reminders and ends with a finished plan. The other does not,
// and ends with a correct count of unfinished tasks. Both end within bounds. The loop, the plan's tools and their
// answers are the real ones; only the model and the tool for work are not.
import { describe, expect, it } from "vitest";
import type { ModelRequest } from "../src/agent/model.ts";
import type { Plan } from "../src/protocol/plan/task.ts";
import { peopleTools } from "../src/tools/people.ts";
import { taskTools } from "../src/tools/tasks.ts";
import { makeTool, ScriptedRun, says, type Turn, type TurnCall } from "./fakes/scripted-run.ts";

const MAX_STEPS = 60;
const TASKS = 3;

const sections = [
  { title: "Build", tasks: ["front", "back"] },
  { title: "Check", tasks: ["try it"] },
];

/** What a habit sees of a request: the due task, whether all tasks have ended, the reminder and the last result. */
interface View {
  step: number;
  due: string | null;
  is_over: boolean;
  reminder: string;
  result: string;
}

/** What the model does at a step; null if it acts as a good one would. */
type Habit = (view: View) => Turn | null;

let number = 0;
const call = (name: string, input: unknown = {}): Turn => ({
  calls: [{ name, arguments: JSON.stringify(input) }],
  finish: "tool_calls",
});
const calls = (...list: TurnCall[]): Turn => ({ calls: list, finish: "tool_calls" });
const work = (): Turn => call("work", { number: number++ });
const plan = (): Turn => call("create_tasks", { sections });
const done = (...task_ids: string[]): Turn => call("update_tasks", { task_ids, status: "completed" });

/** Makes the plan, works once on each task, marks it, and completes. */
function actWell({ due, is_over, result }: View): Turn {
  if (is_over) return call("complete", { summary: "All is there." });
  if (due === null) return plan();
  return result === "work done" ? done(due) : work();
}

function look(request: ModelRequest, step: number): View {
  const reminder = request.reminder ?? "";
  const result = request.messages.findLast((message) => message.role === "tool")?.content ?? "";
  return {
    step,
    due: /(?:In progress|Due now): (task_\w+)/.exec(reminder)?.[1] ?? null,
    is_over: reminder.includes("All tasks have ended"),
    reminder,
    result,
  };
}

async function runHabit(habit: Habit) {
  let step = 0;
  let stored: Plan | null = null;
  const tools = [...taskTools, ...peopleTools, makeTool("work")];
  const run = new ScriptedRun((request) => {
    const view = look(request, ++step);
    return habit(view) ?? actWell(view);
  }, tools);
  run.onFact = (fact) => {
    if ("plan" in fact && fact.plan) stored = fact.plan;
  };
  const outcome = await run.run({ max_steps: MAX_STEPS });
  const tasks = (stored as Plan | null)?.tasks ?? [];
  const open = tasks.filter(({ status }) => status === "pending" || status === "in_progress").length;
  return { outcome, steps: step, tasks, open, run };
}

const isReminded = ({ reminder }: View, words: string) => reminder.includes(words);

/** Each habit ends after a reminder in `listens`, and never in `stubborn`. */
const habits: Record<string, { listens: Habit; stubborn: Habit; ends?: "failed" }> = {
  "skips the plan": {
    listens: (view) => (view.due === null && !view.is_over && !isReminded(view, "without a task list") ? work() : null),
    stubborn: ({ step }) => (step > 5 ? says("I have done it all.") : work()),
  },
  "plans twice": {
    listens: ({ step }) => (step <= 2 ? plan() : null),
    stubborn: () => plan(),
  },
  "sends JSON as a string": {
    listens: ({ step }) => (step === 1 ? call("create_tasks", { sections: JSON.stringify(sections) }) : null),
    stubborn: (view) => {
      if (view.due === null && !view.is_over)
        return call("create_tasks", JSON.stringify({ sections: JSON.stringify(sections) }));
      if (view.due === null || view.result !== "work done") return null;
      return call("update_tasks", { task_ids: JSON.stringify([view.due]), status: "done" });
    },
  },
  "forgets to update": {
    listens: (view) => {
      if (view.due === null || view.result !== "work done" || isReminded(view, "You ended your reply")) return null;
      return says("That is done.");
    },
    stubborn: ({ due, step }) => (due === null && step < 3 ? null : step % 2 === 0 ? work() : says("That is done.")),
  },
  "completes out of order": {
    listens: (view) => {
      const ids = idsIn(view.result);
      return view.step === 2 && ids[2] ? done(ids[2]) : null;
    },
    stubborn: ({ result, step }) => {
      const ids = idsIn(result);
      if (ids.length === TASKS) known = ids;
      return step === 1 ? null : done(known[2] ?? "");
    },
  },
  "says done too early": {
    listens: ({ step }) => (step === 2 || step === 3 ? says("All done!") : null),
    stubborn: ({ step }) => (step === 1 ? null : says("All done!")),
  },
  "repeats itself": {
    listens: (view) => (view.step > 1 && view.step <= 5 ? call("work", { same: true }) : null),
    stubborn: ({ step }) => (step === 1 ? null : call("work", { same: true })),
  },
  "calls unknown tools": {
    listens: (view) => (view.step === 2 || view.step === 3 ? call("browser_use", {}) : null),
    stubborn: ({ step }) => (step === 1 ? null : call(`tool_${step}`)),
  },
  "answers empty": {
    listens: (view) => (view.step === 2 ? says("") : null),
    stubborn: ({ step }) => (step === 1 ? null : says("")),
    ends: "failed",
  },
  "ends a call halfway": {
    listens: ({ step }) => (step === 1 ? cut : null),
    stubborn: ({ step }) => (step === 1 ? null : cut),
  },
};

let known: string[] = [];
const cut: Turn = { ...calls({ name: "create_tasks", arguments: '{"sections":[{"title":"Bu' }), finish: "length" };
const idsIn = (result: string) => [...new Set([...result.matchAll(/"id":"(task_\w+)"/g)].map(([, id]) => id ?? ""))];

describe.each(Object.entries(habits))("a model that %s", (_name, { listens, stubborn, ends = "completed" }) => {
  it("and heeds reminders, ends with a finished plan of its tasks", async () => {
    const { outcome, steps, tasks } = await runHabit(listens);
    expect(outcome).toMatchObject({ status: "completed", unfinished_tasks: 0 });
    expect(tasks.map(({ content, status }) => `${content}: ${status}`)).toEqual([
      "front: completed",
      "back: completed",
      "try it: completed",
    ]);
    expect(steps).toBeLessThanOrEqual(20);
  });

  it("and ignores reminders, ends within bounds, and counts what is unfinished", async () => {
    const { outcome, steps, open, run } = await runHabit(stubborn);
    expect(steps).toBeLessThan(MAX_STEPS);
    expect(outcome.status).toBe(ends);
    if (outcome.status === "completed") expect(outcome.unfinished_tasks).toBe(open);
    expect(run.bugs).toEqual([]);
  });
});
