// The plan over HTTP: what a person may send and what the server answers, and the real object behind it, with D1.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { CheckInput } from "../../src/protocol/plan/check.ts";
import type { PlanOperation } from "../../src/protocol/plan/edit.ts";
import { taskLedger } from "../../src/protocol/plan/ledger.ts";
import { planView } from "../../src/protocol/plan/task.ts";
import { readStoredPlan } from "../fakes/stored-rows.ts";
import { createClient } from "./http-client.ts";
import { readUntil, threadClient } from "./thread-client.ts";

const path = "/v1/threads/t/tasks";
const add = { op: "create", section_title: "Shop", task_contents: ["Build"] };

async function clientWithThread() {
  const client = createClient();
  await client.send("POST", "/v1/threads", { thread_id: "t" });
  client.threads.asked.length = 0;
  return client;
}

describe("PATCH …/tasks", () => {
  it("answers the plan, and calls the object once with its own request id", async () => {
    const client = await clientWithThread();
    const answer = await client.send("PATCH", path, { version: 0, operations: [add] });
    expect(answer.status).toBe(200);
    expect(planView().strict().parse(answer.body)).toMatchObject({ version: 1, next_task: { content: "Build" } });
    expect(client.threads.asked).toMatchObject([{ method: "editPlan", input: { version: 0, operations: [add] } }]);
    expect(client.threads.asked[0]?.input).toHaveProperty("request_id");
  });

  it("answers an edit that can't be applied with its code, and an unknown thread with 404", async () => {
    const client = await clientWithThread();
    const bad = { op: "update", task_ids: ["task_x"], status: "completed" };
    expect(await client.send("PATCH", path, { operations: [add, bad] })).toMatchObject({
      status: 422,
      body: { code: "invalid_operation", detail: expect.stringMatching(/^operations\[1\] \(update\): .*task_x/) },
    });
    client.threads.next = { failure: { code: "version_conflict", detail: "It is at 2." } };
    expect(await client.send("PATCH", path, { version: 1, operations: [add] })).toMatchObject({
      status: 409,
      body: { code: "version_conflict" },
    });
    expect((await client.send("PATCH", "/v1/threads/nobody/tasks", { operations: [add] })).status).toBe(404);
  });

  const wrong: [string, unknown, string, RegExp][] = [
    ["nothing", {}, "invalid_field", /^operations: /],
    ["no operation", { operations: [] }, "invalid_field", /^operations: /],
    ["too many", { operations: Array(101).fill(add) }, "invalid_field", /^operations: /],
    ["an unknown operation", { operations: [{ op: "drop" }] }, "invalid_field", /^operations\[0\]/],
    ["an unknown field", { operations: [add], force: true }, "unknown_field", /"force"/],
    ["one inside", { operations: [add, { ...add, at: 1 }] }, "unknown_field", /"operations\[1\]\.at"/],
    ["another operation's", { operations: [{ op: "clear", task_ids: ["a"] }] }, "unknown_field", /task_ids/],
    [
      "a status that there is not",
      { operations: [{ op: "update", task_ids: ["a"], status: "done" }] },
      "invalid_field",
      /status/,
    ],
    [
      "a place before the first",
      { operations: [{ op: "update", task_ids: ["a"], position: -1 }] },
      "invalid_field",
      /position/,
    ],
    ["text for a list", { operations: [{ ...add, task_contents: "Build" }] }, "invalid_field", /task_contents/],
    [
      "a lone surrogate",
      '{"operations":[{"op":"create","section_title":"\\ud800","task_contents":["a"]}]}',
      "invalid_field",
      /surrogate/,
    ],
    [
      "a check of no type",
      { operations: [{ ...add, task_contents: [{ content: "A", checks: [{ type: "sql" }] }] }] },
      "invalid_field",
      /operations\[0\]\.task_contents\[0\]/,
    ],
    [
      "a check without its command",
      { operations: [{ op: "update", task_ids: ["a"], checks: [{ type: "command" }] }] },
      "invalid_field",
      /operations\[0\]\.checks\[0\]\.run/,
    ],
    [
      "another check's field",
      { operations: [{ op: "update", task_ids: ["a"], checks: [{ type: "git", clean: true, run: "x" }] }] },
      "unknown_field",
      /operations\[0\]\.checks\[0\]\.run/,
    ],
    ["no check to add", { operations: [{ op: "update", task_ids: ["a"], checks: [] }] }, "invalid_field", /checks/],
    ["a version that is none", { version: "1", operations: [add] }, "invalid_field", /^version: /],
  ];
  it.each(wrong)("refuses %s before it calls the object", async (_what, body, code, detail) => {
    const client = await clientWithThread();
    const answer = await client.send("PATCH", path, body);
    expect(answer).toMatchObject({ status: 400, body: { code, detail: expect.stringMatching(detail) } });
    expect(client.threads.asked).toEqual([]);
  });
});

describe("GET …/tasks", () => {
  it("has the ledger only if it is requested, from the object", async () => {
    const client = await clientWithThread();
    expect((await client.send("GET", path)).text).not.toContain("ledger");
    expect((await client.send("GET", `${path}?include=ledger`)).status).toBe(200);
    expect(client.threads.asked.map(({ method }) => method)).toEqual(["readPlan", "readLedger"]);
    expect(await client.send("GET", `${path}?include=all`)).toMatchObject({
      status: 400,
      body: { code: "invalid_field" },
    });
  });
});

describe("the object", () => {
  it("has stored an edit when it answers, D1 has it too, and the model works by it", async () => {
    const client = threadClient();
    await readUntil(await client.post("[[text ok]]"));
    const operations: PlanOperation[] = [{ op: "create", section_title: "Shop", task_contents: ["Look", "Build"] }];
    const request = { request_id: "r1", version: 0, operations };
    const edited = await client.stub.editPlan(client.key, request);
    expect(edited).toMatchObject({ ok: true, value: { version: 1 } });
    expect(await readStoredPlan(env.DB, client.key)).toEqual(edited.ok && edited.value);
    expect(await client.stub.editPlan(client.key, request)).toEqual(edited);
    expect(await client.stub.editPlan(client.key, { ...request, request_id: "r2" })).toMatchObject({
      error: { code: "version_conflict" },
    });
    await readUntil(await client.post('[[tool execute_command {"command":"true"}]] [[text ok]]', { max_steps: 2 }));
    const read = await client.stub.readLedger(client.key, "ledger");
    if (!read.ok) throw new Error(read.error.detail);
    const [look] = read.value.plan.tasks;
    expect(look).toMatchObject({ content: "Look", status: "in_progress" });
    expect(taskLedger().parse(read.value.ledger[look?.id ?? ""])).toMatchObject({
      calls: 1,
      steps: expect.any(Number),
    });
    const checks: CheckInput[] = [{ type: "file", path: "a.js", contains: "x" }];
    const checked = await client.stub.editPlan(client.key, {
      ...{ request_id: "r4", version: null },
      operations: [{ op: "update", task_ids: [look?.id ?? ""], checks }],
    });
    const plan = await readStoredPlan(env.DB, client.key);
    expect(plan).toEqual(checked.ok && checked.value);
    expect(plan?.tasks[0]).toMatchObject({ checks: [{ author: "person", spec: checks[0] }], verification: "not_run" });
    const other = { user_id: "user_other", thread_id: client.key.thread_id };
    expect(await client.stub.editPlan(other, { ...request, request_id: "r3" })).toMatchObject({
      error: { code: "not_found" },
    });
  });
});
