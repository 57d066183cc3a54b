// Checks on the page: what is proposed is changed before it is approved, and what is verified and what is self-checked
// look and read differently.
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PlanView } from "../../src/protocol/plan/task.ts";
import { hasBrowser } from "../setup/browser.ts";
import { openWebStage, type Visit, type WebStage } from "../setup/web-stage.ts";

let stage: WebStage;
let visit: Visit;
let page: Page;

const button = (name: string) => page.getByRole("button", { name, exact: true });
const open = (place: string) => page.goto(`${new URL(stage.server.address).origin}/#${place}`);
const readTasks = async (thread: string) => {
  const { sections } = await stage.request<PlanView>("GET", `/v1/threads/${thread}/tasks`);
  return sections.flatMap(({ tasks }) => tasks);
};

describe.skipIf(!hasBrowser)("checks on the page", () => {
  beforeAll(async () => {
    stage = await openWebStage();
    await stage.request("POST", "/v1/agents", { agent_id: "careful", name: "Careful", plan_approval: true });
    const checks = [
      { type: "command", run: "npm test", contains: "0 failed" },
      { type: "file", path: "shop/server.js", contains: "/api/cart" },
      { type: "http", port: 3000, start: { run: "npm start" } },
    ];
    const plan = { sections: [{ title: "Shop", tasks: ["Look", { content: "Cart", checks }] }] };
    await stage.request("POST", "/v1/threads/proposed/runs?wait=1", {
      message: `[[tool create_tasks ${JSON.stringify(plan)}]]`,
      agent_id: "careful",
    });
    visit = await stage.visit({
      locale: "en-GB",
      viewport: { width: 1400, height: 900 },
      place: "&thread=proposed",
    });
    ({ page } = visit);
  });
  afterAll(async () => {
    await stage?.close();
  });

  it("are shown in full before they are approved, changed, and are the person's then", async () => {
    const list = page.getByRole("list", { name: "Task 2: Checks" });
    await list.getByText('shop/server.js contains "/api/cart"', { exact: true }).waitFor();
    await list.getByText('{"type":"http","port":3000,"start":{"run":"npm start"}}', { exact: true }).waitFor();
    await list.getByText('{"contains":"0 failed"}', { exact: true }).waitFor();
    await page.getByRole("textbox", { name: "Task 2: Check 1", exact: true }).fill("npm run test:all");
    await button("Task 2: Check 3: delete").click();
    await button("Task 1: add a check").click();
    await visit.type("ls shop", page.getByRole("list", { name: "Task 1: Checks" }));
    await button("Approve with changes").click();
    await page.locator("[data-questions]").waitFor({ state: "detached" });
    await expect
      .poll(async () =>
        (await readTasks("proposed")).map(({ checks }) => checks?.map(({ author, spec }) => [author, spec])),
      )
      .toEqual([
        [["person", { type: "command", run: "ls shop" }]],
        [
          ["person", { type: "command", run: "npm run test:all", contains: "0 failed" }],
          ["person", { type: "file", path: "shop/server.js", contains: "/api/cart" }],
        ],
      ]);
  });

  it("are in the plan with what they say", async () => {
    await stage.request("POST", "/v1/threads", { thread_id: "planned" });
    const checks = [{ type: "file", path: "a.js" }];
    const operations = [
      { op: "create", section_title: "S", task_contents: [{ content: "Accepted one", checks }, "Plain"] },
    ];
    await stage.request("PATCH", "/v1/threads/planned/tasks", { operations });
    const [task] = await readTasks("planned");
    await stage.request("PATCH", "/v1/threads/planned/tasks", {
      operations: [{ op: "update", task_ids: [task?.id], status: "completed" }],
    });
    await open("thread=planned");
    const row = page.locator(`[data-task="${task?.id}"]`);
    await row.getByText("Accepted", { exact: true }).waitFor();
    await row.getByRole("button", { name: /^Accepted one/ }).click();
    await row.getByText("a.js exists", { exact: true }).waitFor();
    await row.getByText("A person completed this task. Nothing was run.").waitFor();
    expect(await page.locator("[data-verification]").count()).toBe(1);
    await row.getByRole("button", { name: "Remove check: a.js exists" }).click();
    await row.getByText("a.js exists").waitFor({ state: "detached" });
    await row.getByRole("button", { name: "Add check" }).click();
    await visit.type("npm test", row);
    await page.keyboard.press("Enter");
    await row.getByText("`npm test` exits with 0", { exact: true }).waitFor();
    expect((await readTasks("planned"))[0]?.checks).toMatchObject([
      { author: "person", spec: { type: "command", run: "npm test" } },
    ]);
  });

  it("run again from a task, show what was seen, and take a person's answer", async () => {
    await stage.request("POST", "/v1/projects", { project_id: "seen", name: "Seen" });
    await stage.request("POST", "/v1/threads", { thread_id: "seen", project_id: "seen" });
    const checks = [
      { type: "command", run: "cat notes.txt", contains: "all good" },
      { type: "person", question: "Is it readable?" },
    ];
    const operations = [{ op: "create", section_title: "S", task_contents: [{ content: "Write notes", checks }] }];
    await stage.request("PATCH", "/v1/threads/seen/tasks", { operations });
    await open("thread=seen");
    const row = page.locator("[data-task]");
    await row.getByRole("button", { name: /^Write notes/ }).click();
    await button("Run again").click();
    await row.getByText("Check failed", { exact: true }).waitFor();
    await row.getByText("What was seen").click();
    const failed = row.locator("[data-outcome=failed]");
    await failed.getByText(/exit code 1 · run again by a person/).waitFor();
    await failed.getByText(/^Output/).click();
    await failed
      .getByText(/notes\.txt/)
      .last()
      .waitFor();
    const file = "/v1/projects/seen/sandbox/files/content?path=notes.txt";
    await fetch(new URL(file, stage.server.address), {
      method: "PUT",
      headers: { authorization: `Bearer ${stage.server.key}`, "content-type": "application/octet-stream" },
      body: "all good\n",
    });
    await button("Run again").click();
    await row.locator("[data-outcome=passed]").waitFor();
    const answer = row.getByRole("group", { name: "Answer: Is it readable?" });
    await answer.getByRole("textbox", { name: "Note (optional)" }).fill("On my phone, too.");
    await answer.getByRole("button", { name: "Yes" }).click();
    await row.getByText("A person said yes: On my phone, too.").waitFor();
    const [task] = await readTasks("seen");
    expect(task).toMatchObject({ status: "pending" });
    expect(task?.checks?.map(({ result }) => result?.outcome)).toEqual(["passed", "passed"]);
  });

  it("ask a person when the work is done, who says yes", async () => {
    const checks = [{ type: "person", question: "Do you like it?" }];
    const plan = { sections: [{ title: "S", tasks: [{ content: "Paint it", checks }] }] };
    const message = `[[tool create_tasks ${JSON.stringify(plan)}]] [[then]] [[tool update_tasks {"task_ids": ["task_1"], "status": "completed"}]] [[then]] [[text It is painted.]]`;
    await stage.request("POST", "/v1/threads/asked/runs?wait=1", { message });
    await open("thread=asked");
    const form = page.locator("[data-questions]");
    await form.getByText("Do you like it?", { exact: true }).waitFor();
    await form.getByText('Asked about the finished work of "Paint it"').waitFor();
    await form.getByRole("button", { name: "Yes", exact: true }).click();
    await form.waitFor({ state: "detached" });
    await page.locator("[data-verification=verified]").waitFor();
    expect((await readTasks("asked"))[0]).toMatchObject({ status: "completed", verification: "verified" });
  });
});
