// Costs in a browser: of a run while it works and after it, a card that asks to raise a cap, and who spends.
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { fakeCosts } from "../fakes/web-costs.ts";
import { listViolationsInBoth } from "../setup/axe.ts";
import { hasBrowser } from "../setup/browser.ts";
import { openWebStage, type Visit, type WebStage } from "../setup/web-stage.ts";

let stage: WebStage;
let visit: Visit;

async function open(locale: string, place: string): Promise<{ page: Page; answers: unknown[] }> {
  visit = await stage.visit({ locale });
  const answers = await fakeCosts(visit.page);
  await visit.page.goto(`${stage.server.address}${place}`);
  return { page: visit.page, answers };
}

describe.skipIf(!hasBrowser)("costs on the page", () => {
  beforeAll(async () => {
    stage = await openWebStage();
  });
  afterAll(async () => {
    await stage?.close();
  });
  afterEach(async () => {
    expect(visit.complaints.filter((text) => !text.includes("404"))).toEqual([]);
    await visit.close();
  });

  const cost = (page: Page) => page.locator("[data-cost]");

  it("are live while a run works, with what the current call may cost", async () => {
    const { page } = await open("en-GB", "&thread=working");
    await cost(page).getByText("12,340 input tokens").waitFor();
    for (const text of ["8,000 cached", "560 output tokens", "$0.0123", "up to $0.05 more for the current call"]) {
      await cost(page).getByText(text, { exact: true }).waitFor();
    }
  });

  it("are those of its row once a run has ended, and it says in plain words which limit ended it", async () => {
    const { page } = await open("en-GB", "&thread=ended");
    await cost(page).getByText("$5.02").waitFor();
    await cost(page).getByText("$0.40 of it estimated").waitFor();
    expect(await cost(page).textContent()).not.toContain("more for");
    const end = page.locator("[data-end=failed]");
    await end.getByText("Stopped at the agent's limit of $5.").waitFor();
    expect(await end.textContent()).not.toContain("raw words");
    expect(await listViolationsInBoth(page)).toEqual({ light: [], dark: [] });
    await page.close();
    const chinese = await (await stage.browser.newContext({ locale: "zh-CN" })).newPage();
    chinese.setDefaultTimeout(60_000);
    await fakeCosts(chinese);
    await chinese.goto(`${stage.server.address}&thread=ended`);
    await chinese.getByText("已停止：达到该智能体的上限（$5）。").waitFor();
    await chinese.context().close();
  });

  it.each([
    ["en-GB", "spending limits couldn't be checked, so nothing more was spent. Try again in a few minutes."],
    ["zh-CN", "暂时无法查询费用上限，因此没有继续花费。请过几分钟再试。"],
  ])("say what to do where what is left could not be looked up: %s", async (locale, text) => {
    const { page } = await open(locale, "&thread=unavailable");
    const end = page.locator("[data-end=failed]");
    await end.getByText(text).waitFor();
    expect(await end.textContent()).not.toContain("raw words");
    await page.getByRole("button", { name: locale === "zh-CN" ? "重试" : "Try again" }).waitFor();
    await page.setViewportSize({ width: 390, height: 800 });
    await expect.poll(() => page.evaluate("document.documentElement.scrollWidth")).toBe(390);
    expect(await listViolationsInBoth(page)).toEqual({ light: [], dark: [] });
  });

  it("are raised by a person, to a number of theirs", async () => {
    const { page, answers } = await open("en-GB", "&thread=asking");
    const card = page.locator("[data-questions]");
    await card.getByText("Raise the limit of this run?").waitFor();
    await card.getByText("What is left of the limit of $5 isn't enough for the next model call.").waitFor();
    const field = card.getByLabel("New limit in US dollars");
    expect(await field.inputValue()).toBe("10");
    await field.fill("7.5");
    expect(await listViolationsInBoth(page)).toEqual({ light: [], dark: [] });
    await card.getByRole("button", { name: "Raise limit" }).click();
    await expect
      .poll(() => answers)
      .toEqual([{ interruptId: "int_budget_run", status: "resolved", payload: { approved: true, max_cost_usd: 7.5 } }]);
  });

  it("end where a person wants no more of them", async () => {
    const { page, answers } = await open("zh-CN", "&thread=asking");
    await page.getByText("提高这次运行的上限？").waitFor();
    await page.getByText("上限 $5 的剩余额度不够再调用一次模型。").waitFor();
    await page.getByRole("button", { name: "结束运行", exact: true }).click();
    await expect
      .poll(() => answers)
      .toEqual([{ interruptId: "int_budget_run", status: "resolved", payload: { approved: false } }]);
  });

  it("are shown by day and, to admins, by user with what is reserved", async () => {
    const { page } = await open("en-GB", "&settings=usage");
    const dialog = page.getByRole("dialog", { name: "Settings" });
    await dialog.locator("label", { hasText: /^Cost$/ }).click();
    await dialog.getByRole("group", { name: /^Cost by day/ }).waitFor();
    const users = dialog.getByRole("region", { name: "Users by cost" }).last();
    await expect
      .poll(() => users.getByRole("row").allTextContents())
      .toEqual([
        "UserCostReservedInputCached inputOutputRuns",
        "Ada$12.50$0.25 of it estimated$0.255,000,0004,000,00090,00042",
        "user_bob–60,000 tokens10,00002,0003",
      ]);
    const caps = dialog.locator("[data-caps] > div");
    await expect
      .poll(async () => (await caps.allTextContents()).map((text) => text.replace(/resets .*$/, "resets …")))
      .toEqual([
        "Limit of the day12,345 tokens of 5,000,000 tokensresets …",
        "Limit of the month$1.25 of $5$0.25 reserved by runs · resets …",
      ]);
    expect(await listViolationsInBoth(page)).toEqual({ light: [], dark: [] });
  });
});
