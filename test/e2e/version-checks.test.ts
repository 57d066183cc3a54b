// Checks and receipts across a deploy and a rollback, as `versions.test.ts` has it for what each release knew: the newest
// release knows neither. Nothing of them is dropped without a word.
import { expect, it } from "vitest";
import type { Run } from "../../src/protocol/run.ts";
import { useTool } from "./runs-client.ts";
import { type DeployedPlace, startPlace } from "./version-cases.ts";
import { startReceiver } from "./webhook-receiver.ts";

interface CheckedTask {
  id: string;
  content: string;
  verification?: string;
  checks?: { id: string; result?: { outcome: string } }[];
  receipts?: { receipt_id: string }[];
}

const question = { type: "person", question: "Does it look right?" };
const command = { type: "command", run: "node check.js" };
const cart = { content: "Cart", checks: [command, question] };

function client(place: DeployedPlace, thread: string) {
  const path = `/v1/threads/${thread}`;
  const ask = (method: string, below: string, body?: object) => place.server.request(method, `${path}${below}`, body);
  return {
    ask,
    path,
    edit: (...operations: object[]) => ask("PATCH", "/tasks", { operations }),
    readTasks: async (query = "") => {
      const plan = await place.server.json<{ sections: { tasks: CheckedTask[] }[] }>("GET", `${path}/tasks${query}`);
      return plan.sections.flatMap(({ tasks }) => tasks);
    },
    make: async (body: object = {}) => await place.server.json("POST", "/v1/threads", { thread_id: thread, ...body }),
  };
}

async function withPlace(work: (place: DeployedPlace) => Promise<void>): Promise<void> {
  const place = await startPlace({ ALLOW_PRIVATE_URLS: "1" });
  try {
    await work(place);
  } finally {
    await place.versions.close();
    await place.model.close();
  }
}

it("before the release's objects, what has checks is refused in words, and the rest works", () =>
  withPlace(async (place) => {
    await place.deploy("current", "former");
    const { ask, edit, readTasks, make } = client(place, "before");
    await make();
    expect((await edit({ op: "create", section_title: "Shop", task_contents: ["Pages"] })).status).toBe(200);
    const [task] = await readTasks();
    const update = { op: "update", task_ids: [task?.id] };
    const refused = await Promise.all([
      edit({ op: "create", section_title: "Shop", task_contents: [cart] }),
      edit({ op: "create", sections: [{ title: "More", tasks: [cart] }] }),
      // The object would take the words, and drop the checks.
      edit({ ...update, content: "All pages", checks: [command] }),
      edit({ ...update, accept: true }),
      edit({ op: "accept_project_checks", hash: "a".repeat(64) }),
      ask("POST", "/checks/run", {}),
      ask("DELETE", "/checks/run"),
    ]);
    const answers = await Promise.all(
      refused.map(async (answer) => [answer.status, answer.headers.get("retry-after"), await answer.json()]),
    );
    const inWords = { code: "overloaded", detail: expect.stringContaining("being updated") };
    expect(answers).toEqual(answers.map(() => [503, "60", expect.objectContaining(inWords)]));
    expect(await readTasks("?include=receipts")).toMatchObject([{ content: "Pages", receipts: [] }]);
    expect((await edit({ ...update, content: "All pages" })).status).toBe(200);
    expect(place.versions.calls.filter(({ end }) => end.startsWith("threw"))).toEqual([]);
  }));

it("after a rollback plan, runs and edits work, and after the next deploy all checks and receipts are there", () =>
  withPlace(async (place) => {
    const { versions } = place;
    await place.deploy("current", "current");
    const { ask, edit, readTasks, make, path } = client(place, "back");
    await make();
    expect((await edit({ op: "create", section_title: "Shop", task_contents: [cart, "Ship"] })).status).toBe(200);
    const [first] = await readTasks();
    await place.runs.post("back/runs", { message: "Work on back.", invocation_id: "back-1" });
    const call = await place.nextOf("back");
    useTool(call, "end-1", "update_tasks", { task_ids: [first?.id], status: "completed" });
    useTool(await place.nextOf("back"), "ship", "update_tasks", { next: true });
    useTool(await place.nextOf("back"), "ask", "ask", { question: "Where to?" });
    await place.runs.eventsOf("back", "back-1");
    const asked = await place.runs.readRun("back", "back-1");
    expect([asked.status, asked.checked_tasks]).toEqual(["interrupted", { not_run: 1 }]);
    const before = await readTasks("?include=receipts");
    expect(before[0]).toMatchObject({ verification: "not_run", checks: [{ result: { outcome: "not_run" } }, {}] });
    expect(before[0]?.receipts).toHaveLength(1);

    // Its Worker comes back before its objects do.
    for (const objects of ["current", "former"] as const) {
      await place.deploy("former", objects);
      expect((await readTasks()).map(({ content }) => content)).toEqual(["Cart", expect.stringMatching(/^Ship/)]);
      const content = `Ship it (${objects})`;
      expect((await edit({ op: "update", task_ids: [before[1]?.id], content })).status).toBe(200);
    }
    const resume = [{ interrupt_id: asked.interrupts[0]?.id, status: "resolved", payload: "Home" }];
    expect((await place.runs.post("back/runs/back-1/resume", { resume, invocation_id: "back-2" })).status).toBe(202);
    useTool(await place.nextOf("back"), "end-2", "update_tasks", { task_ids: [before[1]?.id], status: "completed" });
    await place.answerOf("back", "Done.");
    await place.runs.eventsOf("back", "back-2");
    expect(await place.runs.readRun("back", "back-2")).toMatchObject({ status: "completed" });

    await place.deploy("current", "current");
    const after = await readTasks("?include=receipts");
    expect(after[0]).toEqual(before[0]);
    expect(after[1]).toMatchObject({ content: "Ship it (former)", status: "completed" });
    const listed = await place.server.json<{ data: object[] }>("GET", `${path}/runs/back-1/receipts`);
    expect(listed.data).toHaveLength(1);
    const answers = [{ check_id: before[0]?.checks?.[1]?.id, approved: true }];
    expect((await ask("POST", "/checks/run?wait=1", { answers })).status).toBe(200);
    expect((await readTasks())[0]?.checks?.[1]).toMatchObject({ result: { outcome: "passed" } });
    const db = await versions.database();
    expect(await db.prepare("SELECT count(*) AS n FROM receipts WHERE thread_id = 'back'").first("n")).toBe(3);
    expect(versions.calls.filter(({ end }) => end.startsWith("threw"))).toEqual([]);
  }));

it("a question of checks that is answered after a rollback goes on as a run, and can be answered again", () =>
  withPlace(async (place) => {
    await place.deploy("current", "current");
    const { ask, edit, readTasks, make } = client(place, "yes");
    await make();
    await edit({ op: "create", section_title: "Shop", task_contents: [{ content: "Paint", checks: [question] }] });
    const [task] = await readTasks();
    await place.runs.post("yes/runs", { message: "Work on yes.", invocation_id: "yes-1" });
    useTool(await place.nextOf("yes"), "end-1", "update_tasks", { task_ids: [task?.id], status: "completed" });
    await place.answerOf("yes", "Painted.");
    await place.runs.eventsOf("yes", "yes-1");
    const asked: Run = await place.runs.readRun("yes", "yes-1");
    expect(asked.interrupts).toMatchObject([{ reason: "check" }]);

    await place.deploy("former", "former");
    const resume = [{ interrupt_id: asked.interrupts[0]?.id, status: "resolved", payload: { approved: true } }];
    await place.runs.post("yes/runs/yes-1/resume", { resume, invocation_id: "yes-2" });
    await place.answerOf("yes", "Thank you.");
    await place.runs.eventsOf("yes", "yes-2");
    expect(await place.runs.readRun("yes", "yes-2")).toMatchObject({ status: "completed" });

    await place.deploy("current", "current");
    expect((await readTasks())[0]).toMatchObject({ verification: "not_run" });
    const answers = [{ check_id: task?.checks?.[0]?.id, approved: true }];
    expect((await ask("POST", "/checks/run?wait=1", { answers })).status).toBe(200);
    expect((await readTasks())[0]).toMatchObject({ checks: [{ result: { outcome: "passed" } }] });
  }));

it("an answer whose run is at work at the next deploy counts, although the release has started that run", () =>
  withPlace(async (place) => {
    await place.deploy("current", "current");
    const { edit, readTasks, make } = client(place, "late");
    await make();
    await edit({ op: "create", section_title: "Shop", task_contents: [{ content: "Paint", checks: [question] }] });
    const [task] = await readTasks();
    await place.runs.post("late/runs", { message: "Work on late.", invocation_id: "late-1" });
    useTool(await place.nextOf("late"), "end-1", "update_tasks", { task_ids: [task?.id], status: "completed" });
    await place.answerOf("late", "Painted.");
    await place.runs.eventsOf("late", "late-1");
    const asked: Run = await place.runs.readRun("late", "late-1");

    await place.deploy("former", "former");
    const payload = { approved: false, reason: "Too dark." };
    const resume = [{ interrupt_id: asked.interrupts[0]?.id, status: "resolved", payload }];
    await place.runs.post("late/runs/late-1/resume", { resume, invocation_id: "late-2" });
    await place.nextOf("late");

    await place.deploy("current", "current");
    const reason = "A person said no: Too dark.";
    const receipts = async () => (await readTasks("?include=receipts"))[0]?.receipts;
    await expect.poll(receipts, { timeout: 20_000 }).toMatchObject([{ invocation_id: "late-2", reason }]);
    expect(await readTasks()).toMatchObject([{ verification: "failed" }, { content: "Repair: Paint" }]);
  }));

it("the release delivers events of checks that this version has made, and lists their webhook", () =>
  withPlace(async (place) => {
    const receiver = await startReceiver({});
    try {
      await place.deploy("current", "current");
      const { ask, edit, readTasks, make } = client(place, "hook");
      const hook = { url: `${receiver.origin}/hook`, events: ["task.check_failed"] };
      const { webhook_id } = await place.server.json<{ webhook_id: string }>("POST", "/v1/webhooks", hook);
      await expect.poll(() => receiver.pings.length).toBe(1);
      await make();
      await edit({ op: "create", section_title: "Shop", task_contents: [{ content: "Paint", checks: [question] }] });
      const [task] = await readTasks();
      const answers = [{ check_id: task?.checks?.[0]?.id, approved: false, reason: "Too dark." }];
      expect((await ask("POST", "/checks/run?wait=1", { answers })).status).toBe(200);
      const first = await receiver.next(({ path }) => path === "/hook");
      expect(first.payload.type).toBe("task.check_failed");

      await place.deploy("former", "former");
      const { data } = await place.server.json<{ data: object[] }>("GET", "/v1/webhooks");
      expect(data).toMatchObject([{ webhook_id, events: ["task.check_failed"] }]);
      const sent = receiver.received.length;
      const again = `/v1/webhooks/${webhook_id}/deliveries/${first.id}/replay`;
      expect((await place.server.request("POST", again)).status).toBeLessThan(300);
      await expect.poll(() => receiver.received.length).toBe(sent + 1);
      expect(receiver.received.at(-1)?.body).toBe(first.body);
    } finally {
      await receiver.close();
    }
  }));
