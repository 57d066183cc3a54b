// Who answered the checks that ask a person, outside of a run: a receipt names nobody, and the audit does.
import { expect, it, vi } from "vitest";
import { entriesOf } from "./audit-entries.ts";
import { realUser } from "./real-client.ts";

interface Plan {
  sections: { tasks: { id: string; verification: string; checks: { id: string }[] }[] }[];
}

it("leave an entry of their own, and a look that decides nothing leaves none", async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  const user_id = "user_answers_checks";
  const user = await realUser(user_id);
  const path = "/v1/threads/thread-answers-checks";
  await user.send("POST", "/v1/threads", { thread_id: "thread-answers-checks" });
  const check = { type: "person", question: "Is it blue?" };
  const create = { op: "create", section_title: "S", task_contents: [{ content: "Paint it", checks: [check] }] };
  const made = (await user.send("PATCH", `${path}/tasks`, { operations: [create] })).body as unknown as Plan;
  const [task] = made.sections[0]?.tasks ?? [];
  const entries = async () => (await entriesOf(user_id)).filter(({ action }) => action === "checks.run");

  const looked = await user.send("POST", `${path}/checks/run?wait=1`, {});
  expect([looked.status, looked.body.receipt_ids]).toEqual([200, []]);
  expect(await entries()).toEqual([]);

  const answers = [{ check_id: task?.checks[0]?.id, approved: true }];
  expect((await user.send("POST", `${path}/checks/run?wait=1`, { answers })).status).toBe(200);
  expect(await entries()).toMatchObject([
    { outcome: "done", target: "thread-answers-checks", details: JSON.stringify({ answers: 1 }) },
  ]);
  expect((await user.send("GET", `${path}/tasks`)).body).toMatchObject({
    sections: [{ tasks: [{ checks: [{ author: "person", result: { outcome: "passed" } }] }] }],
  });
  vi.restoreAllMocks();
});
