// A scripted run whose model completes tasks that have checks.

import type { Tool } from "../../src/agent/tool.ts";
import type { Plan } from "../../src/protocol/plan/task.ts";
import { taskTools } from "../../src/tools/tasks.ts";
import { ScriptedChecks } from "./check-runner.ts";
import { completeTool, makeTool, ScriptedRun } from "./scripted-run.ts";

export const work = makeTool("work");
export const complete = (...ids: string[]) => ({
  name: "update_tasks",
  arguments: JSON.stringify({ task_ids: ids, status: "completed" }),
});

export function newRun(turns: ConstructorParameters<typeof ScriptedRun>[0], more: Tool[] = []) {
  const run = new ScriptedRun(turns, [...taskTools, work, completeTool, ...more]);
  const checks = new ScriptedChecks();
  run.checks = checks;
  return { run, checks };
}

export const statuses = ({ tasks }: Plan) => tasks.map(({ status, verification }) => [status, verification]);
