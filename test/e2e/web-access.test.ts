// The web app for everybody: with the keyboard alone, with a screen reader, in English. `web-access-shop` has a long page.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listViolations } from "../setup/axe.ts";
import { hasBrowser } from "../setup/browser.ts";
import { openWebStage, type WebStage } from "../setup/web-stage.ts";

let stage: WebStage;

const asked = '[[tool ask {"question":"Which colour?","choices":["red","blue"]}]]';

describe.skipIf(!hasBrowser)("the web app", { timeout: 180_000 }, () => {
  beforeAll(async () => {
    stage = await openWebStage();
  });
  afterAll(async () => {
    await stage?.close();
  });

  it("has no serious accessibility fault before the first message", async () => {
    const { page, close } = await stage.visit({ locale: "en-GB" });
    await page.getByLabel("Message", { exact: true }).waitFor();
    expect(await listViolations(page)).toEqual([]);
    await close();
  });

  it("works with the keyboard alone: from the request over an answer to another thread", async () => {
    const { page, complaints, close } = await stage.visit({ locale: "en-GB" });
    const { keyboard } = page;
    // The composer has the focus when the page opens.
    await page.getByLabel("Message", { exact: true }).waitFor();
    await expect.poll(() => page.evaluate("document.activeElement?.tagName")).toBe("TEXTAREA");
    await keyboard.type(`line one`);
    await keyboard.press("Shift+Enter");
    await keyboard.type(asked);
    await keyboard.press("Enter");
    await page.locator("[data-questions]").waitFor();
    for (let presses = 0; presses < 40; presses++) {
      if ((await page.evaluate("document.activeElement?.textContent")) === "blue") break;
      await keyboard.press("Shift+Tab");
    }
    await keyboard.press("Enter");
    await page.locator("[data-answer=whole]").getByText("blue").waitFor();
    expect(await page.locator("[data-said]").first().textContent()).toBe(`line one\n${asked}`);
    await keyboard.press("Control+k");
    await page.getByRole("dialog").locator("input:focus").waitFor();
    await keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(complaints).toEqual([]);
    await close();
  });

  it("changes language and colours at once, and keeps both", async () => {
    const { page, close } = await stage.visit({ locale: "en-GB" });
    await page.getByLabel("Message", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Switch to Chinese" }).click();
    await page.getByLabel("消息", { exact: true }).waitFor();
    await expect.poll(() => page.evaluate("document.documentElement.lang")).toBe("zh-CN");
    await page.getByRole("button", { name: "跟随系统" }).click();
    await page.getByRole("button", { name: "浅色模式" }).click();
    await page.reload();
    await page.getByLabel("消息", { exact: true }).waitFor();
    await expect.poll(() => page.evaluate("document.documentElement.dataset.theme")).toBe("dark");
    await close();
  });
});
