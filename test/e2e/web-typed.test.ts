// Typed text is never lost, whatever happens to the connection, the page or the server, and it is sent once.
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser } from "../setup/browser.ts";
import { openWebStage, type Visit, type VisitOptions, type WebStage } from "../setup/web-stage.ts";

let stage: WebStage;
let visits: Visit[] = [];

async function visit(options: VisitOptions = {}): Promise<Visit> {
  const made = await stage.visit(options);
  visits.push(made);
  return made;
}

const readLog = (page: Page) => page.locator("[data-said], [data-answer]").allTextContents();
const box = (page: Page) => page.getByLabel("消息", { exact: true });
const idle = (page: Page) => page.getByRole("button", { name: "发送" }).waitFor();
const answer = (page: Page, text: string) => page.locator("[data-answer=whole]").getByText(text, { exact: true });
const open = (page: Page, thread: string) => page.evaluate(`location.hash = ${JSON.stringify(`thread=${thread}`)}`);

describe.skipIf(!hasBrowser)("what a person typed", () => {
  beforeAll(async () => {
    stage = await openWebStage();
  });
  afterAll(async () => {
    await stage?.close();
  });
  afterEach(async () => {
    for (const each of visits) await each.close();
    visits = [];
  });

  it("and did not send is there again after another thread, the back button and a reload", async () => {
    const { page } = await visit({ place: "&thread=one" });
    await box(page).fill("half a thought");
    await open(page, "two");
    await expect.poll(() => box(page).inputValue()).toBe("");
    await page.goBack();
    await expect.poll(() => box(page).inputValue()).toBe("half a thought");
    await page.reload();
    await expect.poll(() => box(page).inputValue()).toBe("half a thought");
  });

  it("and sent before a reload that came before the server had it is sent once after it", async () => {
    const { page, send } = await visit({ place: "&thread=reloaded" });
    await page.route("**/ag-ui", (route) => route.abort());
    await send("[[text got it]]");
    await page.getByText("连接已断开，正在重新连接").waitFor();
    await page.reload();
    await page.unroute("**/ag-ui");
    await answer(page, "got it").waitFor();
    await page.reload();
    await answer(page, "got it").waitFor();
    expect(await readLog(page)).toEqual(["[[text got it]]", "got it"]);
  });

  it("and sent before another thread was opened is sent without the page, and is in the list by its name", async () => {
    const { page, send } = await visit({ place: "&thread=left" });
    await page.route("**/ag-ui", (route) => route.abort());
    await send("[[text left it]]");
    await open(page, "elsewhere");
    const list = () => stage.request<{ data: unknown[] }>("GET", "/v1/threads/left/runs").catch(() => ({ data: [] }));
    await expect.poll(async () => (await list()).data.length).toBe(1);
    await page.getByRole("button", { name: "操作：[[text left it]]" }).waitFor();
    await open(page, "left");
    await answer(page, "left it").waitFor();
    expect(await readLog(page)).toEqual(["[[text left it]]", "left it"]);
  });

  it("and sent three times at once is sent in that order", async () => {
    const { page, send } = await visit({ place: "&thread=fast" });
    for (const name of ["A", "B", "C"]) await send(`[[text ${name}]]`);
    await answer(page, "C").waitFor();
    await idle(page);
    const said = (await readLog(page)).filter((text) => text.startsWith("[["));
    expect(said).toEqual(["[[text A]]", "[[text B]]", "[[text C]]"]);
  });

  it("for a conversation that was deleted meanwhile moves along to a new one", async () => {
    const { page, send } = await visit({ place: "&thread=doomed" });
    await send("[[text once]]");
    await answer(page, "once").waitFor();
    await idle(page);
    await stage.request("DELETE", "/v1/threads/doomed");
    await send("[[text all the same]]");
    await page.getByRole("alert").getByRole("button", { name: "新对话" }).click();
    // The composer of the deleted one has the same text until it is gone.
    await page.getByRole("alert").waitFor({ state: "detached" });
    await expect.poll(() => box(page).inputValue()).toBe("[[text all the same]]");
    await box(page).press("Enter");
    await answer(page, "all the same").waitFor();
    expect(await readLog(page)).toEqual(["[[text all the same]]", "all the same"]);
  });

  it("reaches the server even where a chunk of the page can't be loaded any more", async () => {
    const { page, send } = await visit({ place: "&thread=deployed" });
    const first = await (await fetch(stage.server.url)).text();
    await page.route("**/_taskloom/*.js", (route) => {
      const { pathname } = new URL(route.request().url());
      return first.includes(pathname) ? route.continue() : route.abort();
    });
    await page.reload();
    await send("[[text all the same]]");
    await answer(page, "all the same").waitFor();
    await idle(page);
    expect(await readLog(page)).toEqual(["[[text all the same]]", "all the same"]);
  });

  it("and is too large for the server returns to the composer, with what to do", async () => {
    const { page, send } = await visit();
    // A text field takes seconds to lay out a megabyte, so the test fulfils the request with the server's answer.
    await page.route("**/ag-ui", (route) =>
      route.fulfill({ status: 413, json: { code: "body_too_large", title: "" } }),
    );
    await send("too large");
    await page.getByText("内容太大").waitFor();
    expect(await box(page).inputValue()).toBe("too large");
    expect(await page.locator("[data-said]").count()).toBe(0);
  });

  it("and stopped before the server had it returns to the composer, and is not sent", async () => {
    const { page, send } = await visit({ place: "&thread=stopped" });
    await page.route("**/ag-ui", (route) => route.abort());
    await send("[[text too soon]]");
    await page.getByText("连接已断开，正在重新连接").waitFor();
    await page.keyboard.press("Escape");
    await expect.poll(() => box(page).inputValue()).toBe("[[text too soon]]");
    await page.unroute("**/ag-ui");
    await page.waitForTimeout(1500);
    expect(await page.locator("[data-said]").count()).toBe(0);
  });

  it("beside a run while the server is unreachable is sent when it is back", async () => {
    const { page, send } = await visit({ place: "&thread=beside" });
    await send("[[say 5000]] [[pace 50]]");
    await page.locator("[data-answer]").waitFor();
    await page.context().setOffline(true);
    await send("[[text beside]]");
    await page.getByText("无法连接服务器").waitFor();
    const taken = page.waitForResponse((response) => response.url().endsWith("/runs") && response.status() === 202);
    await page.context().setOffline(false);
    await taken;
    await page.keyboard.press("Escape");
    await answer(page, "beside").waitFor();
    await idle(page);
    expect((await readLog(page)).filter((text) => text === "[[text beside]]")).toHaveLength(1);
    expect(await page.getByRole("alert").count()).toBe(0);
  });

  it("and sent with a key that the server does not know is sent with the next one", async () => {
    const { page, send } = await visit({ place: "&thread=refused" });
    await box(page).waitFor();
    await page.route("**/ag-ui", (route) => route.fulfill({ status: 401, json: { code: "unauthorized", title: "" } }));
    await send("[[text got it]]");
    await page.getByText("你的 API 密钥已失效。").waitFor();
    await page.unroute("**/ag-ui");
    await page.getByLabel("API 密钥").fill(stage.server.key);
    await page.getByRole("button", { name: "登录" }).click();
    await answer(page, "got it").waitFor();
    expect(await readLog(page)).toEqual(["[[text got it]]", "got it"]);
  });

  it("as an answer that somebody else gave first returns to the composer, and the page shows the thread's state", async () => {
    const { page, send } = await visit({ place: "&thread=answered" });
    await send('[[tool ask {"question":"Which colour?"}]]');
    await page.getByRole("textbox", { name: "Which colour?" }).waitFor();
    const other = await page.context().newPage();
    await other.goto(`${stage.server.address}&thread=answered`);
    await other.getByRole("textbox", { name: "Which colour?" }).waitFor();
    let go = (): void => {};
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    await page.route("**/ag-ui", async (route) => {
      await held;
      await route.continue();
    });
    await page.getByRole("textbox", { name: "Which colour?" }).fill("a long answer");
    await page.keyboard.press("Enter");
    await other.getByRole("textbox", { name: "Which colour?" }).fill("blue");
    await other.keyboard.press("Enter");
    await answer(other, "done: blue").waitFor();
    go();
    await page.getByText("这个问题已有回答").waitFor();
    await answer(page, "done: blue").waitFor();
    expect(await box(page).inputValue()).toBe("a long answer");
    await page.getByText("Which colour? → blue").waitFor();
  });

  it("works in a browser that stores nothing", async () => {
    const context = await stage.browser.newContext({ locale: "zh-CN" });
    context.setDefaultTimeout(60_000);
    await context.addInitScript(`
      for (const name of ["localStorage", "sessionStorage"])
        Object.defineProperty(window, name, { get() { throw new DOMException("refused", "SecurityError"); } });
    `);
    const page = await context.newPage();
    await page.goto(stage.server.address);
    await box(page).fill("[[text works]]");
    await box(page).press("Enter");
    await answer(page, "works").waitFor();
    await context.close();
  });
});
