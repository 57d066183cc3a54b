import { describe, expect, it } from "vitest";
import {
  callsTools,
  completeTool,
  makePlan,
  makeTool,
  planTool,
  ScriptedRun,
  type Turn,
} from "../../../test/fakes/scripted-run.ts";
import { judgeStep, noProgress, type StepReport } from "./progress.ts";

const idle: StepReport = {
  worked: 0,
  plan_changes: 0,
  open_before: 2,
  open_after: 2,
  tasks_before: 2,
  tasks_after: 2,
  was_over: false,
};

/** The nudges and the end, step by step. */
function judge(reports: Partial<StepReport>[]) {
  let progress = noProgress;
  return reports.map((report) => {
    const decision = judgeStep(progress, { ...idle, ...report });
    progress = decision.progress;
    return decision.end ?? (decision.nudge === null ? "-" : "nudge");
  });
}

const times = <Item>(count: number, item: Item): Item[] => Array.from({ length: count }, () => item);

describe("steps without progress", () => {
  it("bring a nudge after five in a row and end the run after fifteen", () => {
    expect(judge(times(15, {}))).toEqual([...times(4, "-"), ...times(10, "nudge"), "fruitless"]);
  });

  it("are those that end a task and add another in one message, unless work succeeds beside it", () => {
    const churn = { plan_changes: 2, tasks_after: 3 };
    expect(judge(times(15, churn)).at(-1)).toBe("fruitless");
    expect(judge(times(15, { ...churn, worked: 1 }))).toEqual(times(15, "-"));
  });

  it("after the plan are not counted from the message that ends the last task, whatever is beside it", () => {
    const last = { worked: 2, plan_changes: 1, open_before: 1, open_after: 0 };
    const after = { worked: 1, open_before: 0, open_after: 0, was_over: true };
    expect(judge([last, ...times(3, after)])).toEqual(["-", "-", "-", "nudge"]);
  });

  it.each<[string, Partial<StepReport>]>([
    ["work that succeeds", { worked: 1 }],
    ["a task that ends", { open_after: 1 }],
    ["the first plan", { tasks_before: 0, open_before: 0 }],
  ])("are counted from zero after %s", (_name, fruitful) => {
    expect(judge([...times(14, {}), fruitful, ...times(4, {})]).slice(14)).toEqual(times(5, "-"));
  });

  it.each<[string, Partial<StepReport>]>([
    ["tasks that are reworded", { plan_changes: 1 }],
    ["tasks that are deleted", { plan_changes: 1, open_after: 1, tasks_after: 1 }],
  ])("include %s", (_name, report) => {
    expect(judge(times(15, report)).at(-1)).toBe("fruitless");
  });

  const grows = { plan_changes: 1, open_before: 0, open_after: 1, tasks_before: 5, tasks_after: 6 };
  const shrinks = { plan_changes: 1, open_before: 1, open_after: 0, tasks_before: 6, tasks_after: 6 };

  it("include those of a plan that grows and shrinks in turns", () => {
    const decisions = judge(times(20, [grows, shrinks]).flat());
    expect(decisions.slice(0, 24)).not.toContain("nudge");
    expect(decisions.indexOf("fruitless")).toBe(34);
  });

  it("exclude up to ten in which a plan is made in pieces", () => {
    const piece = { plan_changes: 1, open_after: 3, tasks_after: 3 };
    expect(judge(times(25, piece))).toEqual([...times(14, "-"), ...times(10, "nudge"), "fruitless"]);
    expect(judge([...times(10, piece), { worked: 1 }, ...times(10, piece)])).toEqual(times(21, "-"));
  });

  it("exclude those in which tasks that need no call end one after another", () => {
    const ends = Array.from({ length: 30 }, (_, at) => ({ open_before: 30 - at, open_after: 29 - at }));
    expect(judge(ends)).toEqual(times(30, "-"));
  });
});

describe("steps after the end of the plan", () => {
  it("bring a nudge after three and end the run after eight, unless tasks are added", () => {
    const over = { worked: 1, was_over: true, open_before: 0, open_after: 0 };
    expect(judge(times(8, over))).toEqual(["-", "-", ...times(5, "nudge"), "finished"]);
    expect(judge([...times(7, over), { ...over, open_after: 1 }, ...times(2, over)]).slice(7)).toEqual(["-", "-", "-"]);
  });

  it("are not counted if an earlier run ended the plan", () => {
    expect(judge(times(20, { worked: 1, open_before: 0, open_after: 0 }))).toEqual(times(20, "-"));
  });
});

describe("work without a plan", () => {
  it("brings one nudge, at the third step", () => {
    const work = { worked: 1, tasks_before: 0, tasks_after: 0, open_before: 0, open_after: 0 };
    expect(judge(times(6, work))).toEqual(["-", "-", "nudge", "-", "-", "-"]);
  });
});

describe("a run", () => {
  const work = makeTool("work");
  let count = 0;
  const another = (name: string): Turn => callsTools({ name, arguments: JSON.stringify({ count: count++ }) });

  it("ends within bounds if the model only calls unknown tools, and reports what is unfinished", async () => {
    const run = new ScriptedRun(() => another("magic"), [work]);
    const outcome = await run.run({ plan: makePlan("pending", "pending") });
    expect(outcome).toMatchObject({ status: "completed", unfinished_tasks: 2 });
    expect(outcome).toMatchObject({
      text: "I stopped here: 15 steps in a row led to nothing. 2 tasks are unfinished.",
    });
    expect(run.requests.length).toBe(15);
    expect(run.lastWords(5)).toContain("Nothing has come of the last 5 steps");
  });

  it("ends with the model's last text if the model does not stop after its plan", async () => {
    const turns = [callsTools("update_tasks"), { ...another("work"), text: "The shop is ready." }];
    const run = new ScriptedRun(() => turns.shift() ?? another("work"), [work, planTool]);
    const outcome = await run.run({ plan: makePlan("in_progress") });
    expect(outcome).toMatchObject({ status: "completed", text: "The shop is ready.", unfinished_tasks: 0 });
    expect(run.requests.length).toBe(9);
  });

  it("continues after its plan if a person adds a request, and counts from zero", async () => {
    const turns = [callsTools("update_tasks")];
    const run = new ScriptedRun(() => turns.shift() ?? another("work"), [work, planTool, completeTool]);
    run.steered = [...times(8, []), [{ role: "user", content: "and a logo" }]];
    await run.run({ plan: makePlan("in_progress"), max_steps: 20 });
    expect(run.requests.length).toBe(20);
  });
});
