// Anything a model may write, on purpose or not: the page shows it, stays intact, and executes none of it.
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser } from "../setup/browser.ts";
import { openWebStage, type Visit, type WebStage } from "../setup/web-stage.ts";

let stage: WebStage;

/** Whether the page still responds: typed text appears in the composer. */
async function expectAlive({ page }: Visit): Promise<void> {
  const box = page.getByLabel("消息", { exact: true });
  await box.fill("还在吗");
  expect(await box.inputValue()).toBe("还在吗");
}

const idle = (page: Page) => page.getByRole("button", { name: "发送" }).waitFor();
const answer = (page: Page) => page.locator("[data-answer=whole]");

describe.skipIf(!hasBrowser)("a hostile reply", () => {
  beforeAll(async () => {
    stage = await openWebStage();
  });
  afterAll(async () => {
    await stage?.close();
  });

  it("with scripts, frames and links into the page is shown as text, and leads nowhere", async () => {
    const visit = await stage.visit();
    const markup = `<script>document.body.id="taken"</script><img src=x onerror="document.body.id='taken'"><iframe src="/"></iframe>`;
    await visit.send(
      `[[text ${markup} [a](javascript:document.body.id='taken') [b](data:text/html,x) **[c](//evil.example)**]]`,
    );
    await answer(visit.page).waitFor();
    await idle(visit.page);
    const log = visit.page.getByRole("log");
    expect(await log.locator("script, img, iframe, a").count()).toBe(0);
    expect(await answer(visit.page).textContent()).toContain(markup);
    expect(await visit.page.evaluate("document.body.id")).toBe("");
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it("of a megabyte in one line is shortened on the page, and complete on demand", async () => {
    const visit = await stage.visit();
    await visit.send("[[fill 1000000]]");
    const more = visit.page.getByRole("button", { name: "全部显示（1,000,000 个字符）" });
    await more.waitFor();
    await idle(visit.page);
    expect((await answer(visit.page).textContent())?.length).toBeLessThan(20_000);
    await expectAlive(visit);
    await more.click();
    await expect.poll(async () => (await answer(visit.page).textContent())?.length).toBe(1_000_000);
    await expectAlive(visit);
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it("that changes the text direction does so in its own paragraph only", async () => {
    const visit = await stage.visit();
    await visit.send("[[text safe \u202egnp.exe]]");
    await answer(visit.page).waitFor();
    const isolated = await visit.page.evaluate(
      "getComputedStyle(document.querySelector('[data-answer] p')).unicodeBidi",
    );
    // It isolates, and its first letter says which way the paragraph runs.
    expect(isolated).toBe("plaintext");
    await visit.close();
  });

  it("in Arabic or Hebrew begins at the right, list and all", async () => {
    const visit = await stage.visit();
    await visit.send("[[text \u0645\u062f\u064a\u0646\u0629\n\n- \u0645\u062f\u064a\u0646\u0629]]");
    await answer(visit.page).waitFor();
    const gapAtRight = (selector: string) =>
      visit.page.evaluate<number>(`(() => {
        const element = document.querySelector("[data-answer] ${selector}");
        const words = document.createRange();
        words.selectNodeContents(element);
        return Math.round(element.getBoundingClientRect().right - words.getBoundingClientRect().right);
      })()`);
    expect(await gapAtRight("p")).toBe(0);
    expect(await gapAtRight("li")).toBe(0);
    await visit.close();
  });

  it("of two hundred tool calls is two hundred rows, of which only the visible ones are rendered", async () => {
    const visit = await stage.visit();
    const calls = Array.from({ length: 100 }, (_, index) => `[[tool read_result {"result_id":"r${index}"}]]`).join("");
    await visit.send(`${calls}[[then]]${calls.replaceAll('"r', '"s')}[[then]][[text all called]]`);
    await answer(visit.page).getByText("all called").waitFor();
    await idle(visit.page);
    const drawn = await visit.page.locator("[data-tool]").count();
    expect(drawn).toBeGreaterThan(5);
    expect(drawn).toBeLessThan(150);
    await visit.page.evaluate("document.querySelector('[role=log]').scrollTop = 0");
    await visit.page.locator("[data-said]").waitFor();
    await expectAlive(visit);
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });
});
