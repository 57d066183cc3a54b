// The page for keys with rights and an expiry: how they are made and shown, and what it is like to sign in with one.
import type { BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listViolations } from "../setup/axe.ts";
import { hasBrowser } from "../setup/browser.ts";
import { openWebStage, type WebStage } from "../setup/web-stage.ts";

let stage: WebStage;

/** A page that is signed in with a new key. */
async function enter(key: object, place: string, options: BrowserContextOptions = {}) {
  const made = await stage.request<{ key: string }>("POST", "/v1/api-keys", key);
  const usual = { locale: "en-GB", viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" } as const;
  const context = await stage.browser.newContext({ ...usual, ...options });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  await page.goto(`${stage.server.url}/#key=${encodeURIComponent(made.key)}${place}`);
  return { page, complaints, close: () => context.close() };
}

const widthOver = (page: Page): Promise<number> =>
  page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");

describe.skipIf(!hasBrowser)("a key with rights and an expiry", () => {
  beforeAll(async () => {
    stage = await openWebStage();
    await stage.request("POST", "/v1/threads/shop/runs?wait=1", { message: "帮我做一个电商网站" });
  });
  afterAll(async () => {
    await stage?.close();
  });

  it("is made in the settings, and the list says what it may do and until when", async () => {
    const { page, complaints, close } = await stage.visit({ locale: "en-GB", place: "&settings=keys" });
    const settings = page.getByRole("dialog", { name: "Settings" });
    await settings.getByRole("button", { name: "New key" }).click();
    await settings.getByLabel("Name").fill("dashboard");
    await settings.getByLabel("Read-only").check();
    await settings.getByLabel("Admin access").check();
    await settings.getByLabel("Expires").selectOption({ label: "In 30 days" });
    expect(await listViolations(page, "[role=dialog]")).toEqual([]);
    await settings.getByRole("button", { name: "Create key" }).click();
    const row = settings.getByRole("listitem").filter({ hasText: "dashboard" });
    for (const text of ["Read-only", "Admin"]) await row.getByText(text, { exact: true }).waitFor();
    await row.getByText(/never used · expires \d/).waitFor();
    const { data } = await stage.request<{ data: Record<string, unknown>[] }>("GET", "/v1/api-keys");
    const made = data.find(({ name }) => name === "dashboard");
    expect(made?.scopes).toEqual(["read", "admin"]);
    const days = (Date.parse(String(made?.expires_at)) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(29.9);
    expect(days).toBeLessThanOrEqual(30);
    expect(complaints).toEqual([]);
    await close();
  });

  it("that may only read shows conversations, plans and settings, and nothing that would be refused", async () => {
    const { page, complaints, close } = await enter({ name: "reader", scopes: ["read"] }, "&thread=shop");
    await page.getByText("Your API key is read-only.").waitFor();
    await page.getByText("帮我做一个电商网站").first().waitFor();
    expect(await page.getByLabel("Message", { exact: true }).count()).toBe(0);
    expect(await page.getByRole("button", { name: "New conversation" }).count()).toBe(0);
    expect(await page.getByRole("button", { name: /^Actions for / }).count()).toBe(0);
    for (const name of ["Files", "Preview"]) {
      await page.getByRole("tab", { name }).click();
      const panel = page.getByRole("tabpanel", { name });
      await panel.getByText("Your API key can't do this. It needs the “run” scope.").waitFor();
    }
    await page.getByRole("button", { name: "Account: user_first" }).click();
    await page.getByText("user_first · read-only").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Settings" }).click();
    const settings = page.getByRole("dialog", { name: "Settings" });
    await settings.getByText("Your API key can't change settings.").waitFor();
    await settings.getByText("reader").waitFor();
    for (const name of ["New key", "Delete reader"]) {
      expect(await settings.getByRole("button", { name }).count()).toBe(0);
    }
    await settings.getByRole("button", { name: "Event notifications" }).click();
    await settings.getByText("needs the “write” scope").waitFor();
    expect(await listViolations(page, "[role=dialog]")).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  it("that may read and run takes part, on a phone and in Chinese", async () => {
    const viewport = { width: 360, height: 640 };
    const key = { scopes: ["run"], expires_in_seconds: 86_400 };
    const { page, complaints, close } = await enter(key, "", { locale: "zh-CN", viewport });
    await page.getByLabel("消息", { exact: true }).fill("你好");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "停止" }).waitFor({ state: "detached" });
    await page.goto(`${page.url().split("#")[0]}#settings=keys`);
    const settings = page.getByRole("dialog", { name: "设置" });
    await settings.getByText("你的 API 密钥不能修改设置。").waitFor();
    await settings.getByText("查看和运行").first().waitFor();
    expect(await widthOver(page)).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });

  it("that may read and run sees files, and nothing that would change them", async () => {
    const { page, complaints, close } = await enter({ scopes: ["run"] }, "&thread=shop");
    await page.getByRole("tab", { name: "Files" }).click();
    const panel = page.getByRole("tabpanel", { name: "Files" });
    await panel.getByRole("treeitem", { name: /^shop/ }).click();
    await panel.getByRole("treeitem", { name: /^server\.js/ }).click();
    const file = panel.getByRole("region", { name: "server.js" });
    await file.getByRole("button", { name: "Download" }).waitFor();
    expect(await panel.getByRole("button", { name: /Delete|Upload/ }).count()).toBe(0);
    const dropped = await page.evaluateHandle(
      "(() => { const files = new DataTransfer(); files.items.add(new File(['own'], 'own.txt')); return files; })()",
    );
    const sent: string[] = [];
    page.on("request", (request) => void sent.push(request.method()));
    await file.dispatchEvent("dragover", { dataTransfer: dropped });
    expect(await panel.getByText(/^Drop/).count()).toBe(0);
    await file.dispatchEvent("drop", { dataTransfer: dropped });
    await panel.getByRole("button", { name: "Refresh" }).click();
    await expect.poll(() => sent).toContain("GET");
    expect(sent).not.toContain("PUT");
    expect(complaints).toEqual([]);
    await close();
  });

  it("that is only an operator's reads so", async () => {
    const { page, close } = await enter({ scopes: ["admin"] }, "");
    await page.getByText("Your API key can only manage users.").waitFor();
    expect(await page.getByText("read-only").count()).toBe(0);
    await page.getByRole("button", { name: "Account: user_first" }).click();
    await page.getByText("user_first · only manages users").waitFor();
    await close();
  });

  it("that may only read greets in Chinese on a phone without a composer", async () => {
    const viewport = { width: 360, height: 640 };
    const { page, close } = await enter({ scopes: ["read"] }, "", { locale: "zh-CN", viewport });
    await page.getByText("你的 API 密钥只有查看权限。").waitFor();
    await page.getByRole("heading", { name: "请选择一个对话" }).waitFor();
    expect(await widthOver(page)).toBe(0);
    // A link with another key of the account says which of the two may do less.
    await page.evaluate(`location.hash = "key=${encodeURIComponent(stage.server.key)}"`);
    const question = page.getByRole("dialog", { name: "改用另一个 API 密钥？" });
    await question.getByText("只读", { exact: true }).waitFor();
    await question.getByRole("button", { name: "继续使用当前密钥" }).click();
    await close();
  });

  it("that expires signs out with a sentence, and what it shows stays until then", async () => {
    const see = ({ page }: Awaited<ReturnType<typeof enter>>) => page.getByText("Your API key is read-only.").waitFor();
    const began = Date.now();
    const before = await enter({ scopes: ["read"] }, "&thread=shop");
    await see(before);
    await before.close();
    // Several times as long as this browser takes to show the page.
    const expires_in_seconds = 4 + Math.ceil((3 * (Date.now() - began)) / 1_000);
    const visit = await enter({ scopes: ["read"], expires_in_seconds }, "&thread=shop");
    await see(visit);
    const timeout = expires_in_seconds * 1_000 + 40_000;
    await visit.page.getByText("Your API key is no longer valid.").waitFor({ timeout });
    await visit.close();
  });

  it("of an operator is listed with what else it may do", async () => {
    await stage.request("POST", "/v1/api-keys", { name: "admin", scopes: ["admin"] });
    // From then on the admin key makes none for this user, so this is the last of these.
    const { page, close } = await enter({ name: "write admin", scopes: ["write", "admin"] }, "&settings=keys");
    const badges = (name: string) =>
      page
        .getByRole("listitem")
        .filter({ has: page.getByText(name, { exact: true }) })
        .getByText("Full access");
    await badges("write admin").waitFor();
    expect(await badges("admin").count()).toBe(0);
    await close();
  });
});
