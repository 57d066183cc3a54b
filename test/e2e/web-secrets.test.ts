// The secrets of a project on the page: added, replaced and deleted, with how the sandbox gets each.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listViolations } from "../setup/axe.ts";
import { hasBrowser } from "../setup/browser.ts";
import { openWebStage, type WebStage } from "../setup/web-stage.ts";

let stage: WebStage;
/** Where pictures go, for whoever wants to look at them. */
const pictures = process.env.PICTURES;

async function takePicture(page: Page, name: string): Promise<void> {
  if (pictures === undefined) return;
  await mkdir(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

describe.skipIf(!hasBrowser)("the secrets of a project in the settings", () => {
  beforeAll(async () => {
    stage = await openWebStage({ signIn: "user" });
    for (const [project_id, name] of [
      ["shop", "Online shop"],
      ["blog", "Blog"],
    ]) {
      await stage.request("POST", "/v1/projects", { project_id, name });
    }
  });
  afterAll(async () => {
    await stage?.close();
  });

  it("are added, replaced and deleted, and no value is shown again", async () => {
    const { page, complaints, close } = await stage.visit({ locale: "en-GB", place: "&settings=secrets" });
    const settings = page.getByRole("dialog", { name: "Settings" });
    await settings.getByLabel("Project").selectOption("shop");
    await settings.getByText("No secrets yet.").waitFor();
    await settings.getByRole("button", { name: "Add secret" }).click();
    await settings.getByLabel("Name").fill("STRIPE_API_KEY");
    await settings.getByLabel("Value").fill("canary-6b0e-value");
    await settings.getByLabel("Hosts (optional)").fill("api.stripe.com, *.stripe.com");
    await takePicture(page, "secret-form-en");
    await settings.getByRole("button", { name: "Save secret" }).click();
    const row = settings.getByRole("listitem").filter({ hasText: "STRIPE_API_KEY" });
    // The stand-in is a Daytona 0.190, which keeps none.
    await row.getByText("Readable in the sandbox").waitFor();
    await row.getByText("can't keep it hidden").waitFor();
    await row.getByText("*.stripe.com, api.stripe.com").waitFor();
    await settings.getByText("A change applies to commands").waitFor();
    await takePicture(page, "secrets-en");
    expect(await listViolations(page, "[role=dialog]")).toEqual([]);
    await row.getByRole("button", { name: "Replace the secret STRIPE_API_KEY" }).click();
    expect(await settings.getByLabel("Value").inputValue()).toBe("");
    await settings.getByLabel("Value").fill("canary-6b0e-other");
    await settings.getByRole("button", { name: "Save secret" }).click();
    await settings.getByLabel("Value").waitFor({ state: "detached" });
    expect(await page.content()).not.toContain("canary-6b0e");
    await settings.getByLabel("Project").selectOption("blog");
    await settings.getByText("No secrets yet.").waitFor();
    await settings.getByLabel("Project").selectOption("shop");
    await settings.getByRole("button", { name: "Delete the secret STRIPE_API_KEY" }).click();
    const question = page.getByRole("dialog", { name: "Delete this secret?" });
    await question.getByRole("button", { name: "Delete" }).click();
    await settings.getByText("No secrets yet.").waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it("are refused in words where a name is the sandbox's own, on a phone and in Chinese", async () => {
    await stage.request("PUT", "/v1/projects/blog/secrets/DATABASE_URL", { value: "postgres://value" });
    const viewport = { width: 360, height: 740 };
    const { page, complaints, close } = await stage.visit({ locale: "zh-CN", viewport, place: "&settings=secrets" });
    const settings = page.getByRole("dialog", { name: "设置" });
    await settings.getByLabel("项目").selectOption("blog");
    await settings.getByText("沙箱内可读").waitFor();
    await takePicture(page, "secrets-zh");
    await settings.getByRole("button", { name: "添加机密" }).click();
    await settings.getByLabel("名称").fill("LD_PRELOAD");
    await settings.getByLabel("值", { exact: true }).fill("value");
    await settings.getByRole("button", { name: "保存机密" }).click();
    await settings.getByRole("alert").waitFor();
    await takePicture(page, "secret-refused-zh");
    expect(complaints).toEqual([expect.stringContaining("400")]);
    expect(await listViolations(page, "[role=dialog]")).toEqual([]);
    await close();
  });
});
