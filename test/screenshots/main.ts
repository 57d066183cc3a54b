// `npm run screenshots`: takes the pictures that the documents show, in docs/screenshots, from its own server while the
// scripted model builds the shop.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { root } from "../setup/started-server.ts";
import { openWebStage, type VisitOptions, type WebStage } from "../setup/web-stage.ts";

const folder = join(root, "docs/screenshots");

const desktop = { viewport: { width: 1440, height: 900 }, deviceScaleFactor: 1 };

const thread = "&thread=shop";

interface View {
  name: string;
  options: VisitOptions;
  show(page: Page): Promise<void>;
}

const openTab = (name: string) => async (page: Page) => {
  await page.getByRole("tab", { name }).click();
  // The panel's code is loaded now, and its data after that.
  await page.getByRole("tabpanel").filter({ hasText: /\S/ }).first().waitFor();
  await settle(page);
};

const views: View[] = [
  { name: "welcome-light", options: { ...desktop, locale: "en-GB" }, show: settle },
  { name: "plan-light", options: { ...desktop, locale: "en-GB", place: thread }, show: openTab("Plan") },
  { name: "preview-light", options: { ...desktop, locale: "en-GB", place: thread }, show: openTab("Preview") },
  {
    name: "terminal-dark",
    options: { ...desktop, locale: "en-GB", place: thread, colorScheme: "dark" },
    show: openTab("Terminal"),
  },
  { name: "files-light", options: { ...desktop, locale: "en-GB", place: thread }, show: showFile },
  {
    name: "activity-dark",
    options: { ...desktop, locale: "en-GB", place: thread, colorScheme: "dark" },
    show: openTab("Activity"),
  },
  {
    name: "research-light",
    options: { ...desktop, locale: "en-GB", place: "&thread=research" },
    show: openTab("Plan"),
  },
  { name: "chinese-light", options: { ...desktop, locale: "zh-CN", place: thread }, show: openTab("计划") },
];

async function showFile(page: Page): Promise<void> {
  await openTab("Files")(page);
  await page.getByRole("treeitem", { name: "shop" }).click();
  await page.getByRole("treeitem", { name: "server.js" }).click();
  // The colours appear after the text.
  await page.locator("aside code span").first().waitFor();
  await settle(page);
}

/** Waits until the page has loaded its data and animations have ended. */
async function settle(page: Page): Promise<void> {
  await page.waitForLoadState("networkidle");
  await page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished.catch(() => {})))");
}

async function buildShop(stage: WebStage): Promise<void> {
  await stage.request("POST", "/v1/threads", { thread_id: "shop", title: "帮我做一个电商网站" });
  await stage.request("POST", "/v1/threads/shop/runs?wait=1", { message: "帮我做一个电商网站" });
  await stage.request("POST", "/v1/threads", { thread_id: "research", title: "Remote work" });
  await stage.request("POST", "/v1/threads/research/runs?wait=1", {
    message: "Research remote work and write a report with sources",
  });
}

async function main(): Promise<void> {
  await mkdir(folder, { recursive: true });
  const stage = await openWebStage();
  try {
    await buildShop(stage);
    for (const { name, options, show } of views) {
      const { page, close } = await stage.visit(options);
      await show(page);
      await page.screenshot({ path: join(folder, `${name}.png`) });
      await close();
      console.log(`docs/screenshots/${name}.png`);
    }
  } finally {
    await stage.close();
  }
}

await main();
