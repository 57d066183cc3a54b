// Checks that a person has run again: a trace of their own.
import { expect, it, vi } from "vitest";
import { MemoryCheckPlace } from "../../test/fakes/check-place.ts";
import type { ReceivedSpan } from "../../test/fakes/otlp/read.ts";
import { makeTool } from "../../test/fakes/scripted-run.ts";
import { TracedThread } from "../../test/fakes/traced-thread.ts";
import type { CheckRunRequest } from "../protocol/plan/check-run.ts";
import { callChecks, ensureChecking } from "../thread/checks/again.ts";
import { editPlan } from "../thread/run/plan-edit.ts";
import { taskTools } from "../tools/tasks.ts";

const command = "npm test -- canary-command";
const parent = "4bf92f3577b34da6a3ce929d0e0e4736";

interface Asked extends TracedThread {
  place: MemoryCheckPlace;
}

async function newThread(settings: Record<string, string> = {}): Promise<Asked> {
  const thread = new TracedThread({ tools: [...taskTools, makeTool("execute_command")] }, settings);
  const place = new MemoryCheckPlace();
  place.deeds.set(command, { exit_code: 1, output: "canary-output: 1 failed" });
  Object.assign(thread.sandbox, { checks: place });
  const checks = [{ type: "command" as const, run: command }];
  const task_contents = [
    { content: "A", checks },
    { content: "B", checks },
  ];
  const operations = [{ op: "create" as const, section_title: "S", task_contents }];
  await editPlan(thread.life, { request_id: "one", version: null, operations });
  return Object.assign(thread, { place });
}

function start(thread: TracedThread, more: Partial<CheckRunRequest> = {}) {
  const request = { check_run_id: "checks_1", task_ids: null, answers: [], key_id: null, ...more };
  return callChecks(thread.life, { kind: "start", request });
}

async function roots(thread: TracedThread, count = 1): Promise<ReceivedSpan[]> {
  const found = () => thread.spans.filter(({ name }) => name === "run_checks");
  await vi.waitFor(() => expect(found()).toHaveLength(count), { interval: 1 });
  return found();
}

it("are a root span with a span for each look, without a word of what was asked and seen", async () => {
  const thread = await newThread();
  await start(thread);
  const [root] = await roots(thread);
  expect(thread.showTree(thread.spans)).toEqual(["run_checks", " check command"]);
  const { run } = thread.life.checked ?? { run: null };
  expect(root).toMatchObject({
    is_error: false,
    attributes: {
      "taskloom.check_run.id": "checks_1",
      "taskloom.check_run.status": "completed",
      "taskloom.check_run.tasks": 2,
      "taskloom.check_run.receipts": 2,
      "taskloom.check_run.attempt": 1,
      "taskloom.project.id": thread.life.thread.project_id,
      "gen_ai.conversation.id": "thread_1",
      "user.id": thread.life.thread.user_id,
    },
  });
  expect([root?.start, root?.end]).toEqual([Date.parse(run?.created_at ?? ""), Date.parse(run?.finished_at ?? "")]);
  expect(thread.spans.find(({ name }) => name === "check command")?.attributes).toMatchObject({
    "taskloom.check.outcome": "failed",
    "error.type": "check_failed",
    "gen_ai.conversation.id": "thread_1",
  });
  expect(Buffer.concat(thread.bodies).toString("latin1")).not.toContain("canary");
});

it("say what was asked where content is on, and each request is a trace of its own", async () => {
  const thread = await newThread({ OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "true" });
  await start(thread);
  await roots(thread);
  expect(Buffer.concat(thread.bodies).toString("latin1")).toContain("canary-command");
  await start(thread, { check_run_id: "checks_2" });
  const found = await roots(thread, 2);
  expect(new Set(found.map(({ trace_id }) => trace_id)).size).toBe(2);
});

it("whose life has ended leave one trace, whichever life ends them", async () => {
  const thread = await newThread();
  thread.place.deeds.set(command, { hangs: true });
  await start(thread);
  await vi.waitFor(() => expect(thread.place.running).toHaveLength(1), { interval: 1 });
  thread.crash();
  ensureChecking(thread.life);
  await callChecks(thread.life, { kind: "cancel" });
  const [root] = await roots(thread);
  expect(root).toMatchObject({
    is_error: true,
    start: Date.parse(thread.life.checked?.run.created_at ?? ""),
    attributes: {
      "taskloom.check_run.status": "cancelled",
      "taskloom.check_run.attempt": 2,
      "error.type": "cancelled",
    },
  });
});

it("belong to the span of whoever asked, and are left out where that one is not sampled", async () => {
  const thread = await newThread();
  await start(thread, { traceparent: `00-${parent}-00f067aa0ba902b7-00` });
  await vi.waitFor(() => expect(thread.life.checked?.run.status).toBe("completed"), { interval: 1 });
  await start(thread, { check_run_id: "checks_2", traceparent: `00-${parent}-00f067aa0ba902b7-01` });
  const [root] = await roots(thread);
  expect(root).toMatchObject({ trace_id: parent, parent_id: "00f067aa0ba902b7" });
  expect(root?.attributes["taskloom.check_run.id"]).toBe("checks_2");
});
