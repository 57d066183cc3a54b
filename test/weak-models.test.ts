// Twelve habits of weak models, each in two forms. One heeds reminders and ends with a finished plan. The other does
// not, and ends with a correct count of unfinished tasks. Both end within bounds, whether the model makes its calls one
// by one or several in a message, and however it writes ids. The loop, the plan's tools and their answers are the real
// ones; only the model and the tool for work are not.
import { describe, expect, it } from "vitest";
import type { ModelRequest } from "../src/agent/model.ts";
import { taskId } from "../src/agent/plan/numbers.ts";
import type { Plan } from "../src/protocol/plan/task.ts";
import { peopleTools } from "../src/tools/people.ts";
import { taskTools } from "../src/tools/tasks.ts";
import { makeTool, ScriptedRun, says, type Turn, type TurnCall } from "./fakes/scripted-run.ts";
import { taskIdsIn } from "./fakes/task-ids.ts";

const MAX_STEPS = 60;

const sections = [
  { title: "Build", tasks: ["front", "back"] },
  { title: "Check", tasks: ["try it"] },
];

/** What a habit sees of a request: the due task, whether all tasks have ended, the reminder and the last result. */
interface View {
  step: number;
  due: string | null;
  /** The task after the due one. */
  next: string | null;
  /** Ids of all tasks that it has read. */
  ids: string[];
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
  const results = request.messages.filter((message) => message.role === "tool").map(({ content }) => String(content));
  return {
    step,
    due: /(?:In progress|Due now): (task_\w+)/.exec(reminder)?.[1] ?? null,
    next: /After it: (task_\w+)/.exec(reminder)?.[1] ?? null,
    ids: taskIdsIn(results.join("\n")),
    is_over: reminder.includes("All tasks have ended"),
    reminder,
    result: results.at(-1) ?? "",
  };
}

async function runHabit(habit: Habit, { act, write, crowd = (turn) => turn }: Style) {
  let step = 0;
  let stored: Plan | null = null;
  const tools = [...taskTools, ...peopleTools, makeTool("work")];
  const run: ScriptedRun = new ScriptedRun((request) => {
    const view = look(request, ++step);
    const own = habit(view);
    return withIds(own === null ? act(view) : crowd(own), (id) => write(id, run.plan));
  }, tools);
  run.onFact = (fact) => {
    if ("plan" in fact && fact.plan) stored = fact.plan;
  };
  const outcome = await run.run({ max_steps: MAX_STEPS });
  const tasks = (stored as Plan | null)?.tasks ?? [];
  const open = tasks.filter(({ status }) => status === "pending" || status === "in_progress").length;
  return { outcome, steps: step, tasks, open, run };
}

/** The turn with each short id as the model writes it. */
function withIds(turn: Turn, write: (id: string) => string): Turn {
  const rewrite = (call: TurnCall) => ({ ...call, arguments: call.arguments?.replace(/task_\d+/g, write) });
  return { ...turn, ...(turn.calls && { calls: turn.calls.map(rewrite) }) };
}

/** How a model acts where its habit does not show, and how it writes a short id. */
interface Style {
  act: (view: View) => Turn;
  write: (id: string, plan: Plan) => string;
  /** What becomes of a message in which the habit shows. */
  crowd?: (turn: Turn) => Turn;
}

const crowded = (crowd: (turn: Turn) => Turn): Style => ({
  act: actAhead,
  write: asRead,
  crowd: (turn) => (turn.calls === undefined ? turn : { ...turn, ...crowd(turn) }),
});

const asRead = (id: string) => id;
const longIdOf = (id: string, { tasks }: Plan) => tasks.find((task) => taskId(task) === id)?.id ?? id;
const merge = (...turns: Turn[]): Turn => calls(...turns.flatMap((turn) => turn.calls ?? []));

/** Completes a task beside the work on the next. */
function actAhead({ due, next, is_over, result }: View): Turn {
  if (is_over) return call("complete", { summary: "All is there." });
  if (due === null) return plan();
  if (result !== "work done") return merge(work(), work());
  return next === null ? done(due) : merge(done(due), work(), work());
}

/** Plans and works in one message, then ends the run in the message that completes the last task. */
function actAtOnce(view: View): Turn {
  const { due, next, is_over, result } = view;
  if (due === null && !is_over) return merge(plan(), work());
  if (due === null || next !== null || result !== "work done") return actAhead(view);
  return merge(done(due), call("complete", { summary: "All is there." }));
}

/** Gets through the whole plan in one message, each task's call before its update. */
function actInOneMessage({ due, is_over, ids }: View): Turn {
  if (is_over) return call("complete", { summary: "All is there." });
  if (due === null) return plan();
  const left = ids.slice(ids.indexOf(due));
  return merge(...left.flatMap((id) => [work(), done(id)]));
}

/** Completes two tasks with two updates in one message. */
function actInPairs(view: View): Turn {
  const { due, next, result } = view;
  if (due === null || next === null || result !== "work done") return actAhead(view);
  return merge(done(due), work(), done(next), work());
}

/** Completes a task before the call that does its work, in the same message. */
function actTooEarly({ due, is_over }: View): Turn {
  if (is_over) return call("complete", { summary: "All is there." });
  return due === null ? plan() : merge(done(due), work());
}

const styles: Record<string, Style> = {
  "one call a message": { act: actWell, write: asRead },
  "long ids": { act: actWell, write: longIdOf },
  "ids as numbers": { act: actWell, write: (id) => id.replace("task_", "") },
  "ids in other spellings": {
    act: actAhead,
    write: (id) => ({ task_1: "Task 1", task_2: "task-2" })[id] ?? id.toUpperCase(),
  },
  "an update beside the next work": { act: actAhead, write: asRead },
  "an update beside the next work, long ids": { act: actAhead, write: longIdOf },
  "plan, work and end in shared messages": { act: actAtOnce, write: asRead },
  "all in one message": { act: actInOneMessage, write: asRead },
  "two updates in a message": { act: actInPairs, write: asRead },
  "an update before the work that it is about": { act: actTooEarly, write: asRead },
  "the habit twice in a message": crowded((turn) => ({ calls: [...(turn.calls ?? []), ...(turn.calls ?? [])] })),
  "the habit behind a refused update": crowded((turn) => ({
    calls: [...(done("task_99").calls ?? []), ...(turn.calls ?? [])],
  })),
  "the habit behind a look at the list": crowded((turn) => ({
    calls: [{ name: "view_tasks" }, ...(turn.calls ?? [])],
  })),
};

const INVENTED = "7b0c9f2e-5a51-4d0e-9a53-3f1f6f0c2f11";

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
      const [, , third] = view.ids;
      return view.step === 2 && third !== undefined ? done(third) : null;
    },
    stubborn: ({ ids, step }) => (step === 1 ? null : done(ids[2] ?? "")),
  },
  "invents ids": {
    listens: ({ step }) => (step === 2 || step === 3 ? done(step === 2 ? INVENTED : "sec_1") : null),
    stubborn: ({ step }) => (step === 1 ? null : done(step % 2 === 0 ? INVENTED : "sec_1")),
  },
  "goes on behind the end": {
    listens: ({ is_over }) =>
      is_over ? merge(call("complete", { summary: "All is there." }), work(), done("task_1")) : null,
    stubborn: ({ step }) =>
      step === 1 ? null : merge(call("complete", { summary: "Bye." }), call("work", { same: true }), done("task_1")),
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

const cut: Turn = { ...calls({ name: "create_tasks", arguments: '{"sections":[{"title":"Bu' }), finish: "length" };

const cases = Object.entries(habits).flatMap(([habit, forms]) =>
  Object.entries(styles).map(([style, how]) => ({ habit, style, how, ...forms })),
);

describe.each(cases)("a model that $habit ($style)", ({ listens, stubborn, how, ends = "completed" }) => {
  it("and heeds reminders, ends with a finished plan of its tasks", async () => {
    const { outcome, steps, tasks, run } = await runHabit(listens, how);
    expect(outcome).toMatchObject({ status: "completed", unfinished_tasks: 0 });
    expect(tasks.map(({ content, status }) => `${content}: ${status}`)).toEqual([
      "front: completed",
      "back: completed",
      "try it: completed",
    ]);
    expect(steps).toBeLessThanOrEqual(20);
    expect(run.bugs).toEqual([]);
  });

  it("and ignores reminders, ends within bounds, and counts what is unfinished", async () => {
    const { outcome, steps, open, run } = await runHabit(stubborn, how);
    expect(steps).toBeLessThan(MAX_STEPS);
    expect(outcome.status).toBe(ends);
    if (outcome.status === "completed") expect(outcome.unfinished_tasks).toBe(open);
    expect(run.bugs).toEqual([]);
  });
});
