// A page whose server asks it to wait: it waits, says until when and why, and continues by itself.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { listViolationsInBoth } from "../setup/axe.ts";
import { hasBrowser } from "../setup/browser.ts";
import { openWebStage, type Visit, type WebStage } from "../setup/web-stage.ts";

let stage: WebStage;
let visit: Visit;
let free: () => Promise<void> = async () => {};

/** A run that continues until it is cancelled. It takes the only place that there is, once the one before is free. */
async function occupy(thread: string): Promise<() => Promise<void>> {
  const body = { message: "[[pace 10]] [[say 2000]]", invocation_id: `inv-${thread}`, background: true };
  const start = () =>
    stage.request("POST", `/v1/threads/${thread}/runs`, body).then(
      () => true,
      () => false,
    );
  await expect.poll(start, { interval: 200 }).toBe(true);
  const path = `/v1/threads/${thread}/runs/${body.invocation_id}`;
  const read = () => stage.request<{ status: string }>("GET", path);
  await expect.poll(async () => (await read()).status, { interval: 100 }).toBe("running");
  return async () => void (await stage.request("POST", `${path}/cancel`, {}));
}

describe.skipIf(!hasBrowser)("a page whose server asks it to wait", () => {
  beforeAll(async () => {
    stage = await openWebStage({ settings: { QUOTAS: "runs_at_once=1" } });
  });
  afterAll(async () => {
    await stage?.close();
  });
  afterEach(async () => {
    await free();
    free = async () => {};
    expect(visit.complaints.filter((text) => !/404|429/.test(text))).toEqual([]);
    await visit.close();
  });

  const notice = () => visit.page.getByRole("alert");

  it("keeps the message, says when it is sent again and whose limit it is, and sends it by itself", async () => {
    free = await occupy("occupied-en");
    visit = await stage.visit({ locale: "en-GB" });
    await visit.send("hello there");
    await notice()
      .getByText(/^The server asks you to wait\. Retrying automatically at \d\d:\d\d:\d\d\./)
      .waitFor();
    await notice().getByText("runs that are queued or running (runs_at_once)").waitFor();
    expect(await visit.page.locator("[data-said]").allTextContents()).toEqual(["hello there"]);
    expect(await listViolationsInBoth(visit.page)).toEqual({ light: [], dark: [] });
    await free();
    await visit.page.locator("[data-answer=whole]").waitFor();
    await notice().waitFor({ state: "detached" });
    expect(await visit.page.locator("[data-said]").count()).toBe(1);
  });

  it("gives the message back to a person who does not want to wait", async () => {
    free = await occupy("occupied-zh");
    visit = await stage.visit({ locale: "zh-CN", viewport: { width: 390, height: 800 } });
    await visit.send("你好");
    await notice()
      .getByText(/^服务器要求稍候，将于 \d\d:\d\d:\d\d 自动重试。/)
      .waitFor();
    await visit.page.getByRole("button", { name: "停止" }).click();
    await notice().waitFor({ state: "detached" });
    expect(await visit.page.getByLabel("消息", { exact: true }).inputValue()).toBe("你好");
  });

  it("says at what time a person may try again what is not tried again by itself", async () => {
    visit = await stage.visit({ locale: "en-GB" });
    const headers = { "retry-after": "30", "content-type": "application/problem+json" };
    const problem = { title: "A quota is used up", detail: "Your quota is used up.", code: "quota_exceeded" };
    await visit.page.route("**/v1/usage?*", (route) =>
      route.fulfill({ status: 429, headers, body: JSON.stringify(problem) }),
    );
    await visit.page.goto(`${stage.server.address}&settings=usage`);
    const dialog = visit.page.getByRole("dialog", { name: "Settings" });
    await dialog.getByText(/^The server asks you to wait\. Try again at \d\d:\d\d:\d\d\./).waitFor();
  });
});
