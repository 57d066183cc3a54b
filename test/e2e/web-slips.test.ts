// Slips that must cost nothing: a key too much, a file beside its place, a connection that breaks.
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser } from "../setup/browser.ts";
import { openWebStage, type Visit, type WebStage } from "../setup/web-stage.ts";

let stage: WebStage;
let visit: Visit;
let page: Page;

const button = (name: string) => page.getByRole("button", { name, exact: true });
const open = (place: string) => page.goto(`${new URL(stage.server.address).origin}/#${place}`);

describe.skipIf(!hasBrowser)("a slip", () => {
  beforeAll(async () => {
    stage = await openWebStage();
    await stage.request("POST", "/v1/threads/worked/runs?wait=1", {
      message: '[[tool execute_command {"command":"true"}]]',
    });
    visit = await stage.visit({ locale: "en-GB", viewport: { width: 1400, height: 900 }, place: "&thread=worked" });
    ({ page } = visit);
    await page.locator("[data-answer=whole]").waitFor();
  });
  afterAll(async () => {
    await stage?.close();
  });

  it("of a dropped file does not leave the page, and dropped text is taken as ever", async () => {
    const isRefused = (kind: "file" | "text") =>
      page.evaluate(`(() => {
        const dataTransfer = new DataTransfer();
        if (${kind === "file"}) dataTransfer.items.add(new File(["x"], "x.txt"));
        else dataTransfer.setData("text/plain", "x");
        return ["dragover", "drop"].map((name) => {
          const event = new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true });
          document.querySelector("main").dispatchEvent(event);
          return event.defaultPrevented;
        });
      })()`);
    expect(await isRefused("file")).toEqual([true, true]);
    expect(await isRefused("text")).toEqual([false, false]);
  });

  it("of Escape in a form that is filled in asks before it is lost, and in an empty one closes it", async () => {
    await open("settings=keys");
    const settings = page.getByRole("dialog", { name: "Settings" });
    await settings.getByRole("button", { name: "New key", exact: true }).click();
    await visit.type("laptop", settings);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog", { name: "Discard what you typed?" }).waitFor();
    await button("Keep editing").click();
    await page.getByRole("dialog", { name: "Discard what you typed?" }).waitFor({ state: "detached" });
    expect(await settings.getByRole("textbox").first().inputValue()).toBe("laptop");
    await page.keyboard.press("Escape");
    await button("Discard").click();
    await settings.waitFor({ state: "detached" });
    await open("settings=keys");
    await settings.getByRole("button", { name: "New key", exact: true }).click();
    await settings.getByRole("textbox").first().waitFor();
    await page.keyboard.press("Escape");
    await settings.waitFor({ state: "detached" });
  });

  it("of the network is described in the page's words", async () => {
    await page.route("**/v1/projects?*", (route) => route.abort("connectionfailed"));
    await page.getByRole("button", { name: /^Project/ }).click();
    await page.getByText("Can't reach the server").waitFor();
    expect(await page.locator("body").textContent()).not.toContain("Failed to fetch");
    await page.unroute("**/v1/projects?*");
    await page.keyboard.press("Escape");
  });

  it("of looking for a project does not lead through every conversation", async () => {
    await stage.request("POST", "/v1/projects", { project_id: "shop", name: "Shop" });
    await page.getByRole("button", { name: /^Project/ }).click();
    await page.getByRole("menuitemradio", { name: "Shop" }).waitFor();
    expect(await page.getByRole("menuitemradio").allTextContents()).toEqual(["All projects", "Shop"]);
    await page.keyboard.press("Escape");
  });

  it("of the tongue reaches the shell: dictated text comes without a key", async () => {
    await open("thread=worked");
    await button("Show workspace").click();
    await page.getByRole("tab", { name: "Terminal" }).click();
    await button("Shell").click();
    await button("Open shell").click();
    await page.getByText("Press Shift+Esc to leave the terminal").waitFor();
    await page.keyboard.insertText("echo heard=$((40+3))");
    await page.keyboard.type("\n");
    const rows = page.locator("aside .xterm-rows");
    await rows.last().getByText("heard=43", { exact: true }).waitFor();
    await page.keyboard.type("echo typed=$((40+4))\n");
    await rows.last().getByText("typed=44", { exact: true }).waitFor();
  });
});
