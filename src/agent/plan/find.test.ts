import { expect, it } from "vitest";
import { processorTime } from "../../../test/fakes/processor-time.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { findTasks } from "./find.ts";

const section_id = "sec_01J0000000000000000000000";
const plan: Plan = {
  version: 1,
  sections: [],
  tasks: Array.from({ length: 500 }, (_, at) => {
    const id = `task_01J${String(at).padStart(23, "0")}`;
    return { id, number: at + 1, content: `Build part ${at} ${"x".repeat(100)}`, status: "pending", section_id };
  }),
};

it("a full plan is read once for all names of a call", async () => {
  const names = plan.tasks.map(({ number }) => `Task ${number}`);
  const calls = Array.from({ length: 60 });
  expect(findTasks(plan, names)).toEqual(plan.tasks);
  expect(await processorTime(() => calls.forEach(() => void findTasks(plan, names)))).toBeLessThan(2_000);
});
