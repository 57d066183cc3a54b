// Old threads and checks: what a person has run again counts as activity, and nothing goes while it waits or runs.
import { beforeEach, expect, it, vi } from "vitest";
import { MemoryCheckPlace } from "../../../test/fakes/check-place.ts";
import { call, say } from "../../../test/fakes/replies.ts";
import { makeTool } from "../../../test/fakes/scripted-run.ts";
import { FakeClock } from "../../../test/fakes/stream.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { taskTools } from "../../tools/tasks.ts";
import { mayExpire } from "../expire.ts";
import { editPlan } from "../run/plan-edit.ts";
import { callChecks } from "./again.ts";

const DAY = 24 * 3_600_000;
const QUESTION = "Is it good?";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
});

/** A thread with a task of such a check, whose model completes it. */
async function newThread(
  check: object,
): Promise<{ thread: FakeThread; place: MemoryCheckPlace; pass(days: number): void }> {
  const clock = new FakeClock();
  const replies = [
    call({ id: "done", name: "update_tasks", input: { task_ids: ["task_1"], status: "completed" } }),
    say("Done."),
  ];
  const thread = new FakeThread({
    clock,
    replies,
    interrupt_ms: 7 * DAY,
    tools: [...taskTools, makeTool("execute_command")],
  });
  const place = new MemoryCheckPlace();
  place.deeds.set("npm test", { output: "12 passed\n" });
  place.deeds.set("sleep", { hangs: true });
  Object.assign(thread.sandbox, { checks: place });
  const operations = [
    { op: "create" as const, section_title: "S", task_contents: [{ content: "A", checks: [check] }] },
  ];
  await editPlan(thread.life, { request_id: "one", version: null, operations: operations as never });
  return { thread, place, pass: (days) => clock.advance(days * DAY) };
}

/** The clock keeps threads for a day. */
async function isOld({ life }: FakeThread): Promise<boolean> {
  const before = new Date(life.ports.clock.now() - DAY).toISOString();
  Object.assign(life.ports, { readCutoff: async () => before });
  return await mayExpire(life, before, life.ports.clock.now());
}

const start = (thread: FakeThread) =>
  callChecks(thread.life, {
    kind: "start",
    request: { check_run_id: "checks_1", task_ids: null, answers: [], key_id: null },
  });

it("a thread whose checks a person has run again is not old, and is a day later", async () => {
  const { thread, pass } = await newThread({ type: "command", run: "npm test" });
  await thread.run("go", { invocation_id: "inv_a" });
  pass(2);
  expect(await isOld(thread)).toBe(true);
  await start(thread);
  await vi.waitFor(() => expect(thread.life.checked?.run.status).toBe("completed"), 20_000);
  expect(await isOld(thread)).toBe(false);
  thread.crash();
  expect(await isOld(thread)).toBe(false);
  pass(2);
  expect(await isOld(thread)).toBe(true);
});

it("a thread stays while its checks run, however old it is", async () => {
  const { thread, place, pass } = await newThread({ type: "command", run: "sleep" });
  pass(2);
  await start(thread);
  await vi.waitFor(() => expect(place.running).toHaveLength(1), 20_000);
  expect(await isOld(thread)).toBe(false);
});

it("a thread stays for the days in which a person may answer its checks", async () => {
  const { thread, pass } = await newThread({ type: "person", question: QUESTION });
  await thread.run("go", { invocation_id: "inv_a" });
  expect(thread.life.newestStarted?.run.interrupts).toMatchObject([{ reason: "check" }]);
  pass(6);
  expect(await isOld(thread)).toBe(false);
  pass(2);
  expect(await isOld(thread)).toBe(true);
});
