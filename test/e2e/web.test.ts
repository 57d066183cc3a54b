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
