// The page's buttons that ask again, edit and continue: with the mouse and the keyboard, in two tabs, and after a
// reload.
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { listViolationsInBoth } from "../setup/axe.ts";
import { hasBrowser } from "../setup/browser.ts";
import { openWebStage, type Visit, type WebStage } from "../setup/web-stage.ts";

let stage: WebStage;
let visit: Visit;

const said = async (page: Page) => (await page.locator("[data-said]").allTextContents()).map(plain);
const answers = async (page: Page) => (await page.locator("[data-answer=whole]").allTextContents()).map(plain);
const plain = (text: string) => text.replace(/\[\[text (\w+)\]\]/, "$1").trim();
const idle = (page: Page, send: string) => page.getByRole("button", { name: send }).waitFor();

async function talk(locale: "en-GB" | "zh-CN", send: string, options = {}): Promise<Page> {
  visit = await stage.visit({ locale, ...options });
  for (const [place, word] of ["one", "two"].entries()) {
    await visit.send(`[[text ${word}]]`);
    await visit.page.locator("[data-answer=whole]").nth(place).waitFor();
    await idle(visit.page, send);
  }
  return visit.page;
}

describe.skipIf(!hasBrowser)("a conversation on the page", () => {
  beforeAll(async () => {
    stage = await openWebStage();
  });
  afterAll(async () => {
    await stage?.close();
  });
  afterEach(async () => {
    expect(visit.complaints.filter((text) => !/404/.test(text))).toEqual([]);
    await visit.close();
  });

  it("is asked again at the end and earlier, in all tabs and after a reload", async () => {
    const page = await talk("en-GB", "Send");
    const other = await page.context().newPage();
    await other.goto(page.url());
    await expect.poll(() => answers(other)).toEqual(["one", "two"]);
    const first = await page.locator("[data-answer=whole]").nth(1).elementHandle();
    await page.getByRole("button", { name: "Regenerate" }).last().click();
    await expect.poll(() => first?.isVisible()).toBe(false);
    await expect.poll(() => answers(page)).toEqual(["one", "two"]);
    expect(await said(page)).toEqual(["one", "two"]);
    await idle(page, "Send");
    await page.getByRole("button", { name: "Regenerate" }).first().click();
    for (const tab of [page, other]) {
      await expect.poll(() => said(tab)).toEqual(["one"]);
      await expect.poll(() => answers(tab)).toEqual(["one"]);
    }
    await page.reload();
    await expect.poll(() => answers(page)).toEqual(["one"]);
    expect(await said(page)).toEqual(["one"]);
  });

  it("has its messages edited with the keyboard alone, and the focus where it belongs", async () => {
    const page = await talk("zh-CN", "发送");
    const edit = page.getByRole("button", { name: "编辑消息" }).first();
    await edit.focus();
    await page.keyboard.press("Enter");
    const field = page.getByLabel("编辑你的消息");
    await page.locator("textarea:focus").and(field).waitFor();
    expect(await field.inputValue()).toBe("[[text one]]");
    expect(await listViolationsInBoth(page)).toEqual({ light: [], dark: [] });
    await field.fill("dropped");
    await field.press("Escape");
    await field.waitFor({ state: "detached" });
    await page.locator("button:focus").and(edit).waitFor();
    expect(await said(page)).toEqual(["one", "two"]);
    await page.keyboard.press("Enter");
    expect(await field.inputValue()).toBe("[[text one]]");
    await field.fill("[[text three]]");
    await field.press("Enter");
    await expect.poll(() => answers(page)).toEqual(["three"]);
    expect(await said(page)).toEqual(["three"]);
    await page
      .locator("textarea:focus")
      .and(page.getByLabel("消息", { exact: true }))
      .waitFor();
    await page.reload();
    await expect.poll(() => answers(page)).toEqual(["three"]);
  });

  it("has the buttons on a phone, where nothing hovers", async () => {
    const page = await talk("zh-CN", "发送", { viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true });
    await page.getByRole("button", { name: "重新生成" }).last().waitFor();
    await page.getByRole("button", { name: "编辑消息" }).last().tap();
    await page.getByLabel("编辑你的消息").fill("[[text three]]");
    await page.locator("[data-editing]").getByRole("button", { name: "发送" }).tap();
    await expect.poll(() => answers(page)).toEqual(["one", "three"]);
  });

  it("continues after a stop", async () => {
    visit = await stage.visit({ locale: "en-GB" });
    const { page } = visit;
    await visit.send("[[pace 40]] [[say 2000]]");
    await page.locator("[data-answer=open]").waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.locator("[data-end=cancelled]").waitFor();
    await page.getByRole("button", { name: "Continue" }).click();
    await expect.poll(async () => (await said(page)).at(-1)).toBe("Continue");
    await page.locator("[data-answer=whole]").last().waitFor();
    await idle(page, "Send");
    expect(await page.getByRole("button", { name: "Continue" }).count()).toBe(0);
  });

  it("comes back whole, with the text that was typed, if the server refuses", async () => {
    const page = await talk("en-GB", "Send");
    await page.route("**/messages/*/edit", (route) =>
      route.fulfill({ status: 409, json: { code: "busy", title: "A run is active", detail: "x" } }),
    );
    await page.getByRole("button", { name: "Edit message" }).first().click();
    await page.getByLabel("Edit your message").fill("other");
    await page.locator("[data-editing]").getByRole("button", { name: "Send" }).click();
    await expect.poll(() => page.getByLabel("Message", { exact: true }).inputValue()).toBe("other");
    await expect.poll(() => answers(page)).toEqual(["one", "two"]);
    visit.complaints.length = 0;
  });
});
