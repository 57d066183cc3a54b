// The calls that scripts make again and again.
import type { Reply, Talk } from "./job.ts";

type Call = Exclude<Reply, string>[number];

export const write = (path: string, content: string): Call => ["create_file", { path, content }];
export const run = (command: string): Call => ["execute_command", { command, timeout_seconds: 60 }];
export const start = (command: string): Call => ["execute_command", { command, background: true }];
export const complete = (id = "task_1"): Call => ["update_tasks", { task_ids: [id], status: "completed" }];
export const end = (): Call => ["complete", { summary: "Everything is done." }];
export const plan = (content: string, checks: object[]): Call => [
  "create_tasks",
  { sections: [{ title: "Work", tasks: [content], checks: checks.map((check) => ({ task: 1, ...check })) }] },
];

/** Says that the task is done until nothing else is left to say. */
export async function* insist(id = "task_1"): Talk {
  for (let round = 0; round < 4; round++) {
    const [result = ""] = yield [complete(id)];
    if (!/^Not completed/.test(result) || /is cancelled, as failed/.test(result)) break;
  }
  yield [end()];
}
