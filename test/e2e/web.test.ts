// The page in a browser, against a complete server.
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { hasBrowser } from "../setup/browser.ts";
import { openWebStage, type Visit, type WebStage } from "../setup/web-stage.ts";

let stage: WebStage;
let visit: Visit;
let page: Page;
/** The errors that the page logged. */
let complaints: string[];

/** A thread that waits for approval of a plan; the first answer to it arrives too late. Collects the answers. */
async function fakeApproval(page: Page): Promise<unknown[]> {
  const answers: unknown[] = [];
  const proposed = [{ title: "需求", tasks: ["one", "two"] }];
  const responseSchema = { type: "object", properties: { sections: { type: "array", default: proposed } } };
  const asks = { type: "interrupt", interrupts: [{ id: "int", reason: "plan_approval", message: "", responseSchema }] };
  const ended = (outcome: object, text: string) => [
    { type: "RUN_STARTED", threadId: "planned", runId: "run" },
    { type: "RUN_FINISHED", threadId: "planned", runId: "run", outcome, result: { text, unfinished_tasks: 0 } },
  ];
  await page.route("**/ag-ui", async (route) => {
    answers.push(...(route.request().postDataJSON() as { resume: unknown[] }).resume);
    await route.fulfill({ status: 409, json: { code: "interrupt_answered", title: "answered" } });
  });
  await page.route("**/v1/threads/planned/**", async (route) => {
    const path = new URL(route.request().url()).pathname;
    if (path.endsWith("/events")) {
      const events = answers.length === 0 ? ended(asks, "") : ended({ type: "success" }, "Somebody else approved it.");
      const body = events.map((event, index) => `id: ${index + 1}\ndata: ${JSON.stringify(event)}\n\n`).join("");
      await route.fulfill({ contentType: "text/event-stream", body });
    } else if (path.endsWith("/tasks")) await route.fulfill({ json: { version: 0, sections: [] } });
    else if (path.endsWith("/messages")) await route.fulfill({ json: { data: [], next_cursor: null } });
    else {
      const status = answers.length === 0 ? "interrupted" : "completed";
      await route.fulfill({ json: { data: [{ invocation_id: "run", status, interrupts: [] }] } });
    }
  });
  return answers;
}

const done = (count: number) => page.locator(`[data-status=completed] >> nth=${count - 1}`);
const idle = () => page.getByRole("button", { name: "发送" }).waitFor();
const answers = () => page.locator("[data-answer=whole]");
const questions = () => page.locator("[data-questions]");

/** All messages, as two readings in a row have them: a busy browser draws rows later than it scrolls. */
async function readLog(): Promise<string[]> {
  let before: string[] = [];
  for (;;) {
    const now = await readDrawn();
    if (now.join("\n") === before.join("\n")) return now;
    before = now;
  }
}

/** Only visible messages are rendered. */
async function readDrawn(): Promise<string[]> {
  const seen: string[] = [];
  const log = page.getByRole("log");
  const box = "document.querySelector('[role=log]')";
  const drawn = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))";
  const scroll = (to: string): Promise<unknown> => page.evaluate(`${box}.scrollTop = ${to}, ${drawn}`);
  await scroll("0");
  for (let screens = 0; screens < 100; screens++) {
    for (const text of await log.locator("[data-said], [data-answer], [data-tool] > button").allTextContents()) {
      if (!seen.includes(text)) seen.push(text);
    }
    const isEnd = await page.evaluate(`${box}.scrollTop + ${box}.clientHeight >= ${box}.scrollHeight - 1`);
    if (isEnd) return seen;
    await scroll(`${box}.scrollTop + 300`);
  }
  return seen;
}

describe.skipIf(!hasBrowser)("the page", () => {
  beforeAll(async () => {
    stage = await openWebStage({ alwaysApprove: "" });
  });
  afterAll(async () => {
    await stage?.close();
  });
  beforeEach(async () => {
    await visit?.close();
    visit = await stage.visit();
    ({ page, complaints } = visit);
  });

  it("signs in by its address, and removes the key from it", async () => {
    await page.getByLabel("消息", { exact: true }).waitFor();
    expect(await page.evaluate<string>("location.href")).not.toContain(stage.server.key);
    await page.getByRole("button", { name: "本机沙箱" }).click();
    await page.getByText("而不是在云端沙箱中").waitFor();
    await page.reload();
    await page.getByLabel("消息", { exact: true }).waitFor();
    expect(complaints).toEqual([]);
  });

  it("documents the API on a page of text, with no object rendered as its name", async () => {
    await page.goto(`${new URL(stage.server.address).origin}/docs`);
    await page.getByRole("heading", { name: "Schemas" }).last().waitFor();
    expect(await page.locator("body").textContent()).not.toMatch(/\[object |undefined/);
    expect(complaints).toEqual([]);
  });

  it("shows a request become a plan, the plan work, the work a preview when a person permits the link, and all of it again after a reload", async () => {
    await visit.send("帮我做一个电商网站");
    await page.getByRole("heading", { name: "测试部署" }).waitFor();
    await questions().getByText("expose_port").waitFor();
    await done(9).waitFor();
    await page.getByRole("button", { name: "批准" }).click();
    await done(10).waitFor();
    const link = page.getByRole("link", { name: "打开商店" });
    await link.waitFor();
    await idle();
    expect(await link.getAttribute("rel")).toBe("noopener noreferrer");
    const said = await readLog();
    expect(said[0]).toBe("帮我做一个电商网站");
    expect(said.join("\n")).toContain("shop/server.js");

    await page.reload();
    await link.waitFor();
    await idle();
    await expect.poll(readLog, { timeout: 60_000 }).toEqual(said);

    await page
      .getByRole("button", { name: "显示工作区" })
      .or(page.getByRole("tab", { name: "预览" }))
      .first()
      .click();
    await page.getByRole("tab", { name: "预览" }).click();
    await page.frameLocator("aside iframe").getByRole("heading").first().waitFor();
    expect(complaints).toEqual([]);
  });

  it("asks a question and continues with the answer", async () => {
    await visit.send("做一个网站，先问我");
    await page.getByRole("button", { name: "研究报告" }).click();
    await done(1).waitFor();
    await idle();
    expect(await questions().count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it("shows a call character by character before it is made, and makes it when a person approves", async () => {
    await stage.request("POST", "/v1/agents", { agent_id: "careful", name: "Careful", approvals: ["execute_command"] });
    await stage.request("POST", "/v1/threads", { thread_id: "careful", agent_id: "careful" });
    await page.goto(`${stage.server.address}&thread=careful`);
    await visit.send('[[tool execute_command {"command":"echo app\u202eroved"}]]');
    await page.getByText("U+202E").waitFor();
    await page.getByRole("button", { name: "批准" }).click();
    await answers().getByText("exit_code: 0").waitFor();
    await idle();
    expect(complaints).toEqual([]);
  });

  it("lets a plan be edited before it is approved, and shows the outcome where someone else was first", async () => {
    const answers = await fakeApproval(page);
    await page.goto(`${stage.server.address}&thread=planned`);
    await page.getByLabel("任务 1", { exact: true }).fill("分析");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.evaluate("document.activeElement.value")).toBe("");
    await page.keyboard.type("<b>新任务</b>");
    await page.keyboard.press("Alt+ArrowUp");
    await page.getByRole("button", { name: "任务 3: 删除" }).click();
    await page.getByRole("button", { name: "按修改批准" }).click();
    await page.getByText("这个问题已有回答").waitFor();
    await page.getByText("Somebody else approved it.").waitFor();
    const sections = [{ title: "需求", tasks: ["<b>新任务</b>", "分析"] }];
    expect(answers).toEqual([{ interruptId: "int", status: "resolved", payload: { approved: true, sections } }]);
    expect(await questions().count()).toBe(0);
  });

  it("shows the current plan where a person has edited it since the last run", async () => {
    await stage.request("POST", "/v1/threads/edited/runs?wait=1", { message: "你好" });
    const operations = [{ op: "create", section_title: "S", task_contents: ["<b>later</b>"] }];
    await stage.request("PATCH", "/v1/threads/edited/tasks", { operations });
    await page.goto(`${stage.server.address}&thread=edited`);
    await answers().waitFor();
    await page.getByText("<b>later</b>").first().waitFor();
  });

  it("lets a person edit the plan while a run works through it, and the work follows", async () => {
    await visit.send("帮我做一个电商网站");
    const section = page.locator("section", { has: page.getByRole("heading", { name: "测试部署" }) });
    await section.getByRole("button", { name: /添加任务/ }).click();
    await visit.type("写一份说明", section);
    await page.keyboard.press("Enter");
    await section.getByText("写一份说明").waitFor();
    await page.locator("[data-task] >> nth=10").waitFor();
    await page.keyboard.press("Escape");
    // Stops the run, unless it waits for an approval by now.
    await page.keyboard.press("Escape");
    await idle();
    await page.reload();
    await section.getByText("写一份说明").waitFor();
    await expect.poll(() => page.locator("[data-task]").count()).toBe(11);
    // The plan may have changed between what was seen and what was sent; then the edit is sent once more.
    expect(complaints.filter((text) => !text.includes("409"))).toEqual([]);
  });

  it("asks for a key where it has none or a wrong one, in the browser's language", async () => {
    const stranger = await stage.browser.newContext({ locale: "en-GB" });
    stranger.setDefaultTimeout(60_000);
    const other = await stranger.newPage();
    await other.goto(stage.server.url);
    await other.getByLabel("API key").fill("wrong");
    await other.getByRole("button", { name: "Sign in" }).click();
    await other.getByText("That API key isn't valid.").waitFor();
    await other.getByLabel("API key").fill(stage.server.key);
    await other.getByRole("button", { name: "Sign in" }).click();
    await other.getByLabel("Message", { exact: true }).fill("hello");
    await other.keyboard.press("Enter");
    await other.locator("[data-answer=whole]").waitFor();
    await stranger.close();
  });
});
