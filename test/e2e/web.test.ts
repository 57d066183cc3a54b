// The page in a browser, against a whole server.
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RunningModel, startModel } from "../../dev/model/server.ts";
import { hasBrowser, openBrowser } from "../setup/browser.ts";
import { makeState, type StartedServer, startServer } from "../setup/started-server.ts";

let place: Awaited<ReturnType<typeof makeState>>;
let model: RunningModel;
let server: StartedServer;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** What the page complained about. */
let complaints: string[];

/** A thread that waits for a word on a plan; the first answer to it comes too late. Answers are collected. */
async function fakeApproval(page: Page): Promise<unknown[]> {
  const answers: unknown[] = [];
  const proposed = [{ title: "需求", tasks: ["one", "two"] }];
  const responseSchema = { type: "object", properties: { sections: { type: "array", default: proposed } } };
  const asks = { type: "interrupt", interrupts: [{ id: "int", reason: "plan_approval", message: "", responseSchema }] };
  const ended = (outcome: object, text: string) => [
    { type: "RUN_STARTED", threadId: "planned", runId: "run" },
    { type: "RUN_FINISHED", threadId: "planned", runId: "run", outcome, result: { text, unfinished_tasks: 0 } },
  ];
  await page.route("**/v1/threads/planned/**", async (route) => {
    const path = new URL(route.request().url()).pathname;
    if (path.endsWith("/resume")) {
      answers.push(...(route.request().postDataJSON() as { resume: unknown[] }).resume);
      await route.fulfill({ status: 409, json: { code: "interrupt_answered", title: "answered" } });
    } else if (path.endsWith("/events")) {
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

describe.skipIf(!hasBrowser)("the page", () => {
  beforeAll(async () => {
    place = await makeState();
    model = await startModel({ port: 0, tokensPerSecond: 0 });
    const settings = { OPENAI_API_KEY: "any", OPENAI_BASE_URL: model.baseUrl, OPENAI_MODEL: "demo" };
    server = await startServer(place.state, settings);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    await model?.close();
    await place?.removeState();
  });
  beforeEach(async () => {
    await context?.close();
    context = await browser.newContext({ locale: "zh-CN" });
    page = await context.newPage();
    complaints = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    await page.goto(server.address);
  });

  const done = (count: number) => page.locator(`[data-status=completed] >> nth=${count - 1}`);

  async function send(text: string): Promise<void> {
    await page.getByLabel("消息", { exact: true }).fill(text);
    await page.keyboard.press("Enter");
  }

  it("signs in by its address, and takes the key out of it", async () => {
    await page.getByLabel("消息", { exact: true }).waitFor();
    expect(page.url()).not.toContain(server.key);
    await page.getByText("而不是在 Daytona 中").waitFor();
    await page.reload();
    await page.getByLabel("消息", { exact: true }).waitFor();
    expect(complaints).toEqual([]);
  });

  it("describes the API on a page of text, none of it an object's name", async () => {
    await page.goto(`${new URL(server.address).origin}/docs`);
    await page.getByRole("heading", { name: "Schemas" }).last().waitFor();
    expect(await page.locator("body").textContent()).not.toMatch(/\[object |undefined/);
    expect(complaints).toEqual([]);
  });

  it("shows a request become a plan and the plan become work, and all of it again after a reload", async () => {
    await send("帮我做一个电商网站");
    await page.getByRole("heading", { name: "测试部署" }).waitFor();
    await done(10).waitFor();
    await page.getByText("打开商店").waitFor();
    await page.getByRole("button", { name: "发送" }).waitFor();
    const said = await page.getByRole("log").textContent();
    expect(said).toContain("帮我做一个电商网站");
    expect(said).toContain("shop/server.js");
    const link = page.getByRole("link", { name: "打开商店" });
    expect(await link.getAttribute("rel")).toBe("noopener noreferrer");

    await page.reload();
    await done(10).waitFor();
    await page.getByText("打开商店").waitFor();
    await page.getByRole("button", { name: "发送" }).waitFor();
    expect(await page.getByRole("log").textContent()).toBe(said);
    expect(complaints).toEqual([]);

    const shop = await context.newPage();
    await shop.goto((await link.getAttribute("href")) ?? "");
    await shop.getByRole("heading").first().waitFor();
  });

  it("asks a question and goes on with the answer", async () => {
    await send("做一个网站，先问我");
    await page.getByRole("button", { name: "研究报告" }).click();
    await done(1).waitFor();
    await page.getByRole("button", { name: "发送" }).waitFor();
    expect(await page.locator(".questions").count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it("lets a plan be changed before it is approved, and shows what came of it where someone else was first", async () => {
    const answers = await fakeApproval(page);
    await page.goto(`${server.address}&thread=planned`);
    await page.getByLabel("任务 1", { exact: true }).fill("分析");
    await page.keyboard.press("Enter");
    await page.keyboard.type("<b>新任务</b>");
    await page.keyboard.press("Alt+ArrowUp");
    await page.getByRole("button", { name: "任务 3: 删除" }).click();
    await page.getByRole("button", { name: "按修改批准" }).click();
    await page.getByText("这个问题已在别处回答").waitFor();
    await page.getByText("Somebody else approved it.").waitFor();
    const sections = [{ title: "需求", tasks: ["<b>新任务</b>", "分析"] }];
    expect(answers).toEqual([{ interrupt_id: "int", status: "resolved", payload: { approved: true, sections } }]);
    expect(await page.locator(".questions").count()).toBe(0);
  });

  it("shows the plan as it is where a person has changed it since the last run", async () => {
    const headers = { authorization: `Bearer ${server.key}`, "content-type": "application/json" };
    const ask = (method: string, path: string, body: unknown) =>
      fetch(`${server.url}/v1/threads/edited${path}`, { method, headers, body: JSON.stringify(body) });
    expect((await ask("POST", "/runs?wait=1", { message: "你好" })).status).toBe(200);
    const operations = [{ op: "create", section_title: "S", task_contents: ["<b>later</b>"] }];
    expect((await ask("PATCH", "/tasks", { operations })).status).toBe(200);
    await page.goto(`${server.address}&thread=edited`);
    await page.locator(".answer").waitFor();
    await page.getByText("<b>later</b>").waitFor();
  });

  it("shows markup as text", async () => {
    await send('<img src=x onerror="document.title=1"> <b>x</b>');
    await page.locator(".answer").waitFor();
    expect(await page.locator("[role=log] img, [role=log] b").count()).toBe(0);
    expect(await page.title()).toBe("Taskloom");
    expect(await page.getByRole("log").textContent()).toContain("<b>x</b>");
  });

  it("asks for a key where it has none or a wrong one, in the language of the browser", async () => {
    const stranger = await browser.newContext({ locale: "en-GB" });
    const other = await stranger.newPage();
    await other.goto(server.url);
    await other.getByLabel("API key").fill("wrong");
    await other.getByRole("button", { name: "Sign in" }).click();
    await other.getByLabel("Message", { exact: true }).fill("hello");
    await other.keyboard.press("Enter");
    await other.getByText("This key is not known to the server.").waitFor();
    await other.getByLabel("API key").fill(server.key);
    await other.getByRole("button", { name: "Sign in" }).click();
    await other.getByLabel("Message", { exact: true }).fill("hello");
    await other.keyboard.press("Enter");
    await other.locator(".answer").waitFor();
    await stranger.close();
  });
});
