// A conversation with everything in it, for everybody: with a screen reader, in light and dark, and on a phone.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listViolationsInBoth } from "../setup/axe.ts";
import { hasBrowser } from "../setup/browser.ts";
import { openWebStage, type WebStage } from "../setup/web-stage.ts";

let stage: WebStage;

describe.skipIf(!hasBrowser)("the web app", { timeout: 180_000 }, () => {
  beforeAll(async () => {
    stage = await openWebStage();
    await stage.request("POST", "/v1/threads/shop/runs?wait=1", { message: "帮我做一个电商网站" });
  }, 180_000);
  afterAll(async () => {
    await stage?.close();
  });

  it("has no serious accessibility fault in a shop that was built, in light and in dark", async () => {
    const viewport = { width: 1440, height: 900 };
    const { page, close } = await stage.visit({ locale: "en-GB", viewport, place: "&thread=shop" });
    await page.locator("[data-status=completed] >> nth=9").waitFor();
    await page.locator("[data-tool=execute_command] button").first().click();
    expect(await listViolationsInBoth(page)).toEqual({ light: [], dark: [] });
    for (const tab of ["Terminal", "Files", "Preview", "Activity"]) {
      await page.getByRole("tab", { name: tab }).click();
      expect(await listViolationsInBoth(page, "aside")).toEqual({ light: [], dark: [] });
    }
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("dialog").waitFor();
    expect(await listViolationsInBoth(page, "[role=dialog]")).toEqual({ light: [], dark: [] });
    await close();
  });

  it("fits a phone: nothing is wider than the screen, and each part is reachable", async () => {
    const { page, complaints, close } = await stage.visit({
      place: "&thread=shop",
      viewport: { width: 390, height: 844 },
      hasTouch: true,
      isMobile: true,
    });
    await page.locator("[data-answer]").first().waitFor();
    const isWide = () => page.evaluate<boolean>("document.documentElement.scrollWidth > window.innerWidth");
    expect(await isWide()).toBe(false);
    await page.getByRole("button", { name: "显示工作区" }).click();
    await page.getByRole("heading", { name: "需求分析" }).waitFor();
    expect(await isWide()).toBe(false);
    await page.getByRole("button", { name: "隐藏工作区" }).last().click();
    await page.getByRole("button", { name: "对话列表" }).click();
    await page.getByRole("button", { name: "设置" }).click();
    await page.getByRole("dialog").waitFor();
    expect(await isWide()).toBe(false);
    expect(complaints).toEqual([]);
    await close();
  });
});
