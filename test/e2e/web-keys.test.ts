// The settings' keys on the page: who made each, what it made, and whether that is revoked with it.
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listViolations } from "../setup/axe.ts";
import { hasBrowser } from "../setup/browser.ts";
import { clientOf } from "../setup/server-client.ts";
import { openWebStage, type WebStage } from "../setup/web-stage.ts";

let stage: WebStage;

interface Key {
  key: string;
  key_id: string;
}

/** A key that made another one, a paused trigger and a webhook. */
async function makeKeys(name: string): Promise<Key> {
  const first = await stage.request<Key>("POST", "/v1/api-keys", { name });
  const thief = clientOf({ url: stage.server.url, key: first.key });
  await thief.json("POST", "/v1/api-keys", { name: `second of ${name}` });
  const verify = { scheme: "standard" };
  await thief.json("POST", "/v1/triggers", { type: "webhook", prompt: `Triage for ${name}.`, verify, enabled: false });
  const url = `https://receiver.example/${encodeURIComponent(name)}`;
  // Disabled, so that nothing is sent.
  await thief.json("POST", "/v1/webhooks", { url, events: ["run.completed"], enabled: false });
  return first;
}

const dialogOf = (page: Page, name: string) => page.getByRole("dialog", { name });

describe.skipIf(!hasBrowser)("the API keys in the settings", () => {
  beforeAll(async () => {
    stage = await openWebStage({ signIn: "user" });
  });
  afterAll(async () => {
    await stage?.close();
  });

  it("name the key that made each, and are deleted with the keyboard together with what they made", async () => {
    await makeKeys("laptop");
    const { page, complaints, close } = await stage.visit({ locale: "en-GB", place: "&settings=keys" });
    const settings = dialogOf(page, "Settings");
    const row = (name: string) => settings.getByRole("listitem").filter({ hasText: name });
    await row("second of laptop").getByText("by laptop").waitFor();
    await settings.getByText("by the admin key").first().waitFor();
    await settings.getByRole("button", { name: "Delete laptop", exact: true }).focus();
    await page.keyboard.press("Enter");
    const question = dialogOf(page, "Delete this API key?");
    for (const text of ["second of laptop", "Triage for laptop.", "https://receiver.example/laptop"]) {
      await question.getByText(text).waitFor();
    }
    expect(await question.getByText("(disabled)").count()).toBe(2);
    expect(await listViolations(page, "[role=dialog]")).toEqual([]);
    await question.getByLabel("Revoke what it created").focus();
    await page.keyboard.press("Space");
    await question.getByRole("button", { name: "Delete" }).focus();
    await page.keyboard.press("Enter");
    await row("second of laptop").waitFor({ state: "detached" });
    await settings.getByRole("button", { name: "Triggers" }).click();
    await settings.getByRole("button", { name: "Triage for laptop." }).click();
    await settings.getByRole("alert").getByText("Rotate its secret before you resume it.").waitFor();
    await settings.getByRole("button", { name: "Resume" }).click();
    await settings.getByText("The trigger has no secret.").waitFor();
    expect(complaints).toEqual([expect.stringContaining("422")]);
    await close();
  });

  it("are deleted with what they make while the person reads that they made nothing", async () => {
    const { key } = await stage.request<Key>("POST", "/v1/api-keys", { name: "late" });
    const { page, complaints, close } = await stage.visit({ locale: "en-GB", place: "&settings=keys" });
    const settings = dialogOf(page, "Settings");
    await settings.getByRole("button", { name: "Delete late", exact: true }).click();
    const question = dialogOf(page, "Delete this API key?");
    await question.getByText("Nothing that it created still exists.").waitFor();
    const body = { type: "webhook", prompt: "p", verify: { scheme: "standard" } };
    const thief = clientOf({ url: stage.server.url, key });
    const { trigger_id } = await thief.json<{ trigger_id: string }>("POST", "/v1/triggers", body);
    await question.getByLabel("Revoke what it created").check();
    await question.getByRole("button", { name: "Delete" }).click();
    await question.waitFor({ state: "detached" });
    expect(await stage.request("GET", `/v1/triggers/${trigger_id}`)).toMatchObject({ enabled: false });
    expect(complaints).toEqual([]);
    await close();
  });

  it("keep what they made if nobody asks for more, on a phone and in Chinese", async () => {
    await makeKeys("手机");
    const viewport = { width: 360, height: 640 };
    const { page, complaints, close } = await stage.visit({ locale: "zh-CN", viewport, place: "&settings=keys" });
    const settings = dialogOf(page, "设置");
    await settings.getByText("创建者：手机").waitFor();
    await settings.getByRole("button", { name: "删除 手机", exact: true }).click();
    const question = dialogOf(page, "删除这个 API 密钥？");
    await question.getByText("Triage for 手机.").waitFor();
    const { width = 0 } = (await question.boundingBox()) ?? {};
    expect(width).toBeLessThanOrEqual(360);
    expect(await question.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
    await question.getByRole("button", { name: "删除", exact: true }).click();
    await settings.getByText("创建者：已删除的密钥").waitFor();
    expect(complaints).toEqual([]);
    await close();
  });
});
