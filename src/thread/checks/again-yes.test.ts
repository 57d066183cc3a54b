// A person's yes when checks are run again: it is about the files as they were.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { MemoryCheckPlace } from "../../../test/fakes/check-place.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { SandboxError } from "../../agent/sandbox.ts";
import type { CheckInput } from "../../protocol/plan/check.ts";
import type { CheckRunRequest } from "../../protocol/plan/check-run.ts";
import { transact } from "../life.ts";
import { readReceipts } from "../rows/receipts.ts";
import { editPlan } from "../run/plan-edit.ts";
import { callChecks } from "./again.ts";

const asked: CheckInput = { type: "person", question: "Is it good?" };

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});

/** A task with these checks, of which the person has agreed to the last. */
async function newThread(...checks: CheckInput[]) {
  const place = new MemoryCheckPlace();
  place.deeds.set("npm test", { output: "12 passed\n" });
  place.files.set("page.html", "good");
  const thread = new FakeThread();
  Object.assign(thread.sandbox, { checks: place });
  transact(thread.life, () => thread.life.state.rememberSandbox("sandbox_1"));
  const operations = [{ op: "create" as const, section_title: "S", task_contents: [{ content: "A", checks }] }];
  await editPlan(thread.life, { request_id: "one", version: null, operations });
  const task = () => thread.life.state.plan.tasks[0];
  const again = async (check_run_id: string, answers: CheckRunRequest["answers"] = []) => {
    const request = { check_run_id, task_ids: null, answers, key_id: null };
    await callChecks(thread.life, { kind: "start", request });
    await vi.waitFor(() => expect(thread.life.checked?.run.status).toBe("completed"), { timeout: 20_000, interval: 1 });
    return task()?.verification;
  };
  expect(await again("first", [{ check_id: task()?.checks?.at(-1)?.id ?? "", approved: true }])).toBe("verified");
  return { thread, place, again };
}

describe("a person's yes, when checks are run again", () => {
  it("holds while the files are as they were, and is stale once they are not", async () => {
    const { thread, place, again } = await newThread({ type: "command", run: "npm test" }, asked);
    expect(await again("second")).toBe("verified");
    place.files.set("page.html", "bad");
    expect(await again("third")).toBe("stale");
    const outcomes = thread.life.state.plan.tasks[0]?.checks?.map(({ result }) => [result?.outcome, result?.stale]);
    expect(outcomes).toEqual([
      ["passed", undefined],
      ["passed", true],
    ]);
  });

  it("is looked at where nothing else is to be run, and leaves no receipt", async () => {
    const { thread, place, again } = await newThread(asked);
    const { version } = thread.life.state.plan;
    expect(await again("second")).toBe("verified");
    expect(thread.life.state.plan.version).toBe(version);
    place.files.set("page.html", "bad");
    expect(await again("third")).toBe("stale");
    expect(thread.life.state.plan.version).toBe(version + 1);
    expect(readReceipts(thread.life.database.sql)).toHaveLength(1);
  });

  it("does not count where the files can't be read, and stays as it is", async () => {
    const { place, again } = await newThread(asked);
    place.broken = new SandboxError("unavailable", "The sandbox is gone.");
    expect(await again("second")).toBe("verified");
  });
});
