// What planning costs in a made-up run: twelve tasks in four sections, four calls for work each. The model knows only
// what it has read: the ids and texts of tasks come from its results and from the reminder. The loop, the plan's tools
// and their answers are the real ones. `docs/plan.md` quotes the figures.
import { describe, expect, it } from "vitest";
import type { ModelRequest } from "../src/agent/model.ts";
import { viewPlan } from "../src/agent/plan/view.ts";
import { peopleTools } from "../src/tools/people.ts";
import { taskTools } from "../src/tools/tasks.ts";
import { callsTools, makeTool, ScriptedRun, type Turn, type TurnCall } from "./fakes/scripted-run.ts";

const sections = ["Requirements", "Backend", "Frontend", "Checks"].map((title) => ({
  title,
  tasks: ["list what has to be there", "make it as it is listed", "see that all of it works"].map(
    (text) => `${title}: ${text}, with a file that says so`,
  ),
}));
const TASKS = 12;

/** For each task: three calls that don't need each other's results, and a check that needs theirs. */
function workFor(text: string): { first: TurnCall[]; check: TurnCall } {
  const path = `shop/${text
    .toLowerCase()
    .replace(/[^a-z]+/g, "-")
    .slice(0, 40)}`;
  const call = (name: string, input: unknown) => ({ name, arguments: JSON.stringify(input) });
  return {
    first: [
      call("create_file", { path: `${path}.js`, content: `// ${text}\nexport const ready = () => true;\n` }),
      call("create_file", { path: `${path}.test.js`, content: `import "./${path}.js";\n// checks that it is ready\n` }),
      call("read_file", { path: `${path}.md` }),
    ],
    check: call("execute_command", { command: `node --test ${path}.test.js` }),
  };
}

const workTools = ["create_file", "read_file", "execute_command"].map((name) =>
  makeTool(name, {
    read_only: name === "read_file",
    execute: async () => ({
      content: `exit_code: 0\n${name} went well: this is what it had to say, in about as many words as a small tool has.`,
      is_error: false,
    }),
  }),
);

/** What the last request says: the due task and the one after it, each with its text, and the newest result. */
function read(request: ModelRequest) {
  const { reminder = "" } = request;
  const find = (label: string) => {
    const [, id = "", text = '""'] = new RegExp(`^${label}: (\\S+) (".*")$`, "m").exec(String(reminder)) ?? [];
    return id === "" ? null : { id, text: String(JSON.parse(text)) };
  };
  return {
    due: find("(?:Due now|In progress)"),
    next: find("After it"),
    isOver: /All tasks have ended/.test(String(reminder)),
  };
}

const done = (id: string): TurnCall => ({
  name: "update_tasks",
  arguments: JSON.stringify({ task_ids: [id], status: "completed" }),
});
const create: TurnCall = { name: "create_tasks", arguments: JSON.stringify({ sections }) };
const complete: TurnCall = { name: "complete", arguments: JSON.stringify({ summary: "All of it is there." }) };

/** One call a message, as a model does that is not asked for more. */
function createOneByOne(): (request: ModelRequest) => Turn {
  let left: TurnCall[] | null = null;
  return (request) => {
    const { due, isOver } = read(request);
    if (isOver) return callsTools(complete);
    if (due === null) return callsTools(create);
    if (left === null) {
      const { first, check } = workFor(due.text);
      left = [...first, check];
    }
    const next = left.shift();
    if (next !== undefined) return callsTools(next);
    left = null;
    return callsTools(done(due.id));
  };
}

/** As the prompt asks: independent calls together, and the next task's beside update_tasks. */
function createTogether(): (request: ModelRequest) => Turn {
  let isChecked = false;
  let isBegun = false;
  return (request) => {
    const { due, next, isOver } = read(request);
    if (isOver) return callsTools(complete);
    if (due === null) return callsTools(create);
    if (!isBegun) {
      isBegun = true;
      return callsTools(...workFor(due.text).first);
    }
    isChecked = !isChecked;
    if (isChecked) return callsTools(workFor(due.text).check);
    return next === null ? callsTools(done(due.id), complete) : callsTools(done(due.id), ...workFor(next.text).first);
  };
}

interface Costs {
  steps: number;
  /** Characters of what the model is sent again at every later step. */
  history: number;
  /** Characters of the results of plan tools. */
  echoes: number;
  /** What those results were as long as each repeated the whole plan. */
  former_echoes: number;
  tasks: Record<string, number>;
}

async function measure(model: (request: ModelRequest) => Turn): Promise<Costs> {
  const run: ScriptedRun = new ScriptedRun(model, [...taskTools, ...peopleTools, ...workTools]);
  const costs: Costs = { steps: 0, history: 0, echoes: 0, former_echoes: 0, tasks: {} };
  run.onFact = (fact) => {
    if (fact.type === "assistant_message") {
      costs.steps += 1;
      for (const { function: called } of fact.message.tool_calls ?? []) costs.history += called.arguments.length;
    } else if (fact.type === "tool_started" && fact.task_id !== undefined) {
      costs.tasks[fact.task_id] = (costs.tasks[fact.task_id] ?? 0) + 1;
    } else if (fact.type === "tool_finished") {
      costs.history += fact.message.content.length;
      if (!fact.name.endsWith("_tasks")) return;
      costs.echoes += fact.message.content.length;
      costs.former_echoes += JSON.stringify(viewPlan(fact.plan ?? run.plan)).length;
    }
  };
  const outcome = await run.run({ max_steps: 100 });
  expect(outcome).toMatchObject({ status: "completed", unfinished_tasks: 0, text: "All of it is there." });
  return costs;
}

describe("a run of twelve tasks with four calls each", () => {
  it("takes at most thirty steps, with a fifth of its history for the plan", async () => {
    const costs = await measure(createTogether());
    expect(costs.steps).toBe(26);
    expect(costs.steps).toBeLessThanOrEqual(30);
    expect(costs.echoes).toBeLessThanOrEqual(costs.history / 5);
    expect(Object.values(costs.tasks)).toEqual(Array.from({ length: TASKS }, () => 4));
    expect({ history: costs.history, echoes: costs.echoes }).toMatchInlineSnapshot(`
      {
        "echoes": 2207,
        "history": 14586,
      }
    `);
  });

  it("takes 62 steps one call at a time, and would repeat the plan for most of its history as results were before", async () => {
    const costs = await measure(createOneByOne());
    expect(costs.steps).toBe(62);
    expect(Object.values(costs.tasks)).toEqual(Array.from({ length: TASKS }, () => 4));
    const before = { history: costs.history - costs.echoes + costs.former_echoes, echoes: costs.former_echoes };
    expect(before).toMatchInlineSnapshot(`
      {
        "echoes": 34329,
        "history": 46708,
      }
    `);
  });
});
