import { expect, it } from "vitest";
import { MemoryCheckPlace } from "../../test/fakes/check-place.ts";
import { call, say } from "../../test/fakes/replies.ts";
import { makeTool } from "../../test/fakes/scripted-run.ts";
import { TracedThread } from "../../test/fakes/traced-thread.ts";
import { taskTools } from "../tools/tasks.ts";

const run = "npm test -- canary-command";
const output = "canary-output: 1 failed";

function newThread(exit_code: number, settings: Record<string, string> = {}): TracedThread {
  const check = { type: "command" as const, run };
  const sections = [{ title: "S", tasks: ["A", "B"].map((content) => ({ content, checks: [check] })) }];
  const replies = [
    call({ id: "plan", name: "create_tasks", input: { sections } }),
    call({ id: "done", name: "update_tasks", input: { task_ids: ["task_1", "task_2"], status: "completed" } }),
    say("Done."),
  ];
  const tools = [...taskTools, makeTool("execute_command")];
  const thread = new TracedThread({ replies, tools, agent: { checks: "advise" } }, settings);
  const place = new MemoryCheckPlace();
  place.deeds.set(run, { exit_code, output });
  Object.assign(thread.sandbox, { checks: place });
  return thread;
}

it("a check that ran is a span below its step, once for all tasks that have it, without a word of it", async () => {
  const thread = newThread(1);
  await thread.run("go");
  expect((await thread.tree()).slice(0, 8)).toEqual([
    "invoke_agent agent_default",
    " step 1",
    "  chat test-model",
    "  execute_tool create_tasks",
    " step 2",
    "  chat test-model",
    "  execute_tool update_tasks",
    "  check command",
  ]);
  const spans = (await thread.settled()).filter(({ name }) => name === "check command");
  expect(spans).toHaveLength(1);
  expect(spans[0]).toMatchObject({
    is_error: true,
    attributes: {
      "taskloom.check.type": "command",
      "taskloom.check.author": "model",
      "taskloom.check.outcome": "failed",
      "taskloom.check.exit_code": 1,
      "taskloom.check.output_bytes": output.length,
      "error.type": "check_failed",
      "gen_ai.conversation.id": "thread_1",
    },
  });
  expect(Buffer.concat(thread.bodies).toString("latin1")).not.toContain("canary");
});

it("a check that passed is no error, and says what it asked where content is on", async () => {
  const thread = newThread(0, { OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "true" });
  await thread.run("go");
  const span = (await thread.settled()).find(({ name }) => name === "check command");
  expect(span).toMatchObject({
    is_error: false,
    attributes: {
      "taskloom.check.outcome": "passed",
      "taskloom.check.spec": JSON.stringify({ type: "command", run }),
      "taskloom.check.reason": expect.stringContaining("exited with 0"),
    },
  });
  expect(span?.attributes["error.type"]).toBeUndefined();
});
