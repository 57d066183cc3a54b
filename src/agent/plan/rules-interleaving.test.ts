// A person may edit at any moment of a run: before a reply, at a fact, during a plan tool's call, just after it.
// Neither the person's change nor the model's own is ever lost.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { callsTools, makeTool, ScriptedRun, says, type Turn } from "../../../test/fakes/scripted-run.ts";
import { runCount } from "../../../test/setup/run-count.ts";
import type { PlanOperation } from "../../protocol/plan/edit.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { taskTools } from "../../tools/tasks.ts";
import type { Tool } from "../tool.ts";

type Moment = "reply" | "fact" | "before" | "after";
interface Edit {
  kind: "add" | "end" | "first" | "start";
  place: number;
}

const edit: fc.Arbitrary<Edit> = fc.record({ kind: fc.constantFrom("add", "end", "first", "start"), place: fc.nat(7) });
/** What the person does at each moment, in turn. Null is nothing. */
const edits = fc.array(
  fc.record({
    at: fc.constantFrom<Moment>("reply", "fact", "before", "after"),
    edit: fc.option(edit, { freq: 2 }),
  }),
  { maxLength: 40 },
);
const turns = fc.array(
  fc.array(fc.oneof(fc.record({ do: fc.constantFrom("create", "complete", "work"), place: fc.nat(7) })), {
    minLength: 1,
    maxLength: 3,
  }),
  { minLength: 1, maxLength: 8 },
);

/** Records all changes, by whomever, and the plan right after each. */
class Witness {
  readonly changes: Plan[] = [];

  note(plan: Plan): void {
    this.changes.push(structuredClone(plan));
  }

  expectKept(last: Plan): void {
    expect(this.changes.map(({ version }) => version)).toEqual(this.changes.map((_, index) => index + 1));
    for (const plan of this.changes) {
      for (const task of plan.tasks) {
        const now = last.tasks.find(({ id }) => id === task.id);
        expect(now?.content).toBe(task.content);
        if (task.status === "completed" || task.status === "cancelled") expect(now?.status).toBe(task.status);
      }
    }
  }
}

describe("a run whose plan a person edits at any moment", () => {
  it("keeps every change of both, each based on the one before", async () => {
    await fc.assert(
      fc.asyncProperty(turns, edits, async (script, moments) => {
        const witness = new Witness();
        const waiting = [...moments];
        const executions = new Map<string, number>();
        const act = (at: Moment): void => {
          if (waiting[0]?.at !== at) return;
          const next = waiting.shift()?.edit;
          const before = run.plan;
          const operation = next && operationOf(next, before, witness.changes.length);
          if (!operation) return;
          try {
            run.edit([operation]);
          } catch {
            // A rule refused it.
          }
          if (run.plan !== before) witness.note(run.plan);
        };
        const watched = taskTools.map(
          (tool): Tool => ({
            ...tool,
            execute: async (input, context) => {
              const id = context.tool_call_id;
              const count = (executions.get(id) ?? 0) + 1;
              executions.set(id, count);
              // A call is repeated three times. If the person disturbed the last time too, the store would refuse it.
              const isDisturbed = count <= 3;
              if (isDisturbed) act("before");
              const result = await tool.execute(input, context);
              if (isDisturbed) act("after");
              return result;
            },
          }),
        );
        const replies = script.map((calls, at): Turn => {
          const turn = callsTools(
            ...calls.map(({ do: name, place }, index) => callOf(name, place, `${at}_${index}`, () => run.plan)),
          );
          return { ...turn, before: () => act("reply") };
        });
        const run: ScriptedRun = new ScriptedRun(
          [...replies, ...Array.from({ length: 60 }, () => says("well"))],
          [...watched, makeTool("work")],
        );
        run.onFact = (fact) => {
          if ("plan" in fact && fact.plan) witness.note(fact.plan);
          else act("fact");
        };
        await run.run();
        witness.expectKept(run.plan);
        expect(run.plan.tasks.filter(({ status }) => status === "in_progress").length).toBeLessThanOrEqual(1);
      }),
      { numRuns: runCount(200) },
    );
  });
});

function operationOf({ kind, place }: Edit, plan: Plan, count: number): PlanOperation | null {
  if (kind === "add") return { op: "create", section_title: "P", task_contents: [`person's ${count}`] };
  const task = plan.tasks[place % Math.max(1, plan.tasks.length)];
  if (!task) return null;
  const task_ids = [task.id];
  if (kind === "first") return { op: "update", task_ids, position: 0 };
  return { op: "update", task_ids, status: kind === "end" ? "cancelled" : "in_progress" };
}

function callOf(
  name: string,
  place: number,
  id: string,
  plan: () => Plan,
): { name: string; arguments: string; id: string } {
  if (name === "work") return { name, id, arguments: JSON.stringify({ id }) };
  if (name === "create") {
    const input = { section_title: "M", task_contents: [`model's ${id}`] };
    return { name: "create_tasks", id, arguments: JSON.stringify(input) };
  }
  return {
    name: "update_tasks",
    id,
    // Read when the call is made, because its task may have ended by then.
    get arguments() {
      const { tasks } = plan();
      const task_id = tasks[place % Math.max(1, tasks.length)]?.id ?? "none";
      return JSON.stringify({ task_ids: [task_id], status: "completed" });
    },
  };
}
