// Checks on the page: what is proposed is changed before it is approved, and what is verified and what is self-checked
// look and read differently.
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PlanView } from "../../src/protocol/plan/task.ts";
import { hasBrowser } from "../setup/browser.ts";
import { openWebStage, type WebStage } from "../setup/web-stage.ts";

let stage: WebStage;
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
    const visit = await stage.visit({
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
    await page.keyboard.type("ls shop");
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
    await page.keyboard.type("npm test");
    await page.keyboard.press("Enter");
    await row.getByText("`npm test` exits with 0", { exact: true }).waitFor();
    expect((await readTasks("planned"))[0]?.checks).toMatchObject([
      { author: "person", spec: { type: "command", run: "npm test" } },
    ]);
  });
});
