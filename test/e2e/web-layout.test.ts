// How the page is laid out around a conversation: the edge of the workspace, the chips, the line of a run, the tab.
import type { Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser } from "../setup/browser.ts";
import { openWebStage, type Visit, type VisitOptions, type WebStage } from "../setup/web-stage.ts";

let stage: WebStage;
let visit: Visit;
let page: Page;

const button = (name: string | RegExp) => page.getByRole("button", { name, exact: typeof name === "string" });
const edge = () => page.getByRole("separator", { name: "Resize workspace" });
const part = (name: string) => page.getByRole("tab", { name }).click();
const widthOf = async (element: Locator) => (await element.boundingBox())?.width ?? 0;
const panelWidth = () => widthOf(page.locator("aside"));
const value = async (name: string) => Number(await edge().getAttribute(`aria-value${name}`));

async function arrive(options: VisitOptions = {}): Promise<void> {
  await visit?.close();
  visit = await stage.visit({ locale: "en-GB", viewport: { width: 1440, height: 900 }, ...options });
  ({ page } = visit);
  await page.getByLabel(options.locale === "zh-CN" ? "消息" : "Message", { exact: true }).waitFor();
}

/** How many px of the names of the workspace's parts are out of sight. */
const tabsHidden =
  "(() => { const list = document.querySelector('aside [role=tablist]'); return list.scrollWidth - list.clientWidth; })()";

/** Ends when the browser has drawn the last movement. */
async function drag(byX: number): Promise<void> {
  const box = await edge().boundingBox();
  if (box === null) throw new Error("the edge is not there");
  const [x, y] = [box.x + box.width / 2, box.y + 200];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + byX / 2, y, { steps: 4 });
  await page.mouse.move(x + byX, y, { steps: 4 });
  await page.mouse.up();
}

describe.skipIf(!hasBrowser)("the page's layout", () => {
  beforeAll(async () => {
    stage = await openWebStage();
    const approvals = { execute_command: ["*"] };
    await stage.request("POST", "/v1/agents", { agent_id: "careful", name: "Careful", model: "demo", approvals });
    const operations = [{ op: "create", section_title: "Shop", task_contents: ["Build the server", "Test it"] }];
    for (const thread_id of ["working", "phone"]) {
      await stage.request("POST", "/v1/threads", { thread_id, title: thread_id });
      await stage.request("PATCH", `/v1/threads/${thread_id}/tasks`, { operations });
    }
    await stage.request("POST", "/v1/threads", { thread_id: "asks", title: "Shop", agent_id: "careful" });
  });
  afterAll(async () => {
    await stage?.close();
  });
  afterEach(() => {
    expect(visit.complaints).toEqual([]);
  });

  it("the workspace's edge moves with the pointer and the keyboard, and the width is there after a reload", async () => {
    await arrive({ place: "&thread=working" });
    await edge().waitFor();
    await expect.poll(panelWidth).toBe(380);
    await expect.poll(() => page.evaluate(tabsHidden)).toBe(0);
    await drag(-100);
    await expect.poll(panelWidth).toBe(480);
    await page.reload();
    await edge().waitFor();
    await expect.poll(panelWidth).toBe(480);
    await edge().focus();
    await page.keyboard.press("ArrowLeft");
    await expect.poll(panelWidth).toBe(496);
    await page.keyboard.press("Shift+ArrowRight");
    await expect.poll(panelWidth).toBe(432);
    expect(await value("now")).toBe(432);
    await edge().dblclick();
    await expect.poll(panelWidth).toBe(380);
    await page.reload();
    await edge().waitFor();
    await expect.poll(panelWidth).toBe(380);
  });

  it("what needs room has a width of its own, and the conversation keeps its 360 px", async () => {
    await arrive({ place: "&thread=working" });
    await part("Activity");
    await expect.poll(panelWidth).toBe(380);
    await part("Files");
    await expect.poll(panelWidth).toBe(634);
    await edge().focus();
    await page.keyboard.press("End");
    await expect.poll(() => widthOf(page.locator("main"))).toBe(360);
    expect(await panelWidth()).toBe(await value("max"));
    await drag(-300);
    expect(await widthOf(page.locator("main"))).toBe(360);
    await page.keyboard.press("Home");
    await expect.poll(panelWidth).toBe(await value("min"));
    await expect.poll(() => page.evaluate(tabsHidden)).toBe(0);
    await page.keyboard.press("End");
    await part("Plan");
    await expect.poll(panelWidth).toBe(380);
    await page.setViewportSize({ width: 1200, height: 800 });
    await part("Files");
    await expect.poll(panelWidth).toBe(576);
    await expect.poll(() => widthOf(page.locator("main"))).toBe(360);
  });

  it("a finger moves the edge too, and a browser that stores nothing loses it with a reload only", async () => {
    await arrive({ place: "&thread=working", hasTouch: true });
    await page.addInitScript(
      "for (const name of ['getItem', 'setItem']) { const own = Storage.prototype[name]; Storage.prototype[name] = function (key, value) { if (key.includes('width')) throw new Error('full'); return own.call(this, key, value); }; }",
    );
    await page.reload();
    await edge().waitFor();
    const box = await edge().boundingBox();
    const x = (box?.x ?? 0) + (box?.width ?? 0) / 2;
    const client = await page.context().newCDPSession(page);
    const touch = (type: string, at: number | null) =>
      client.send(
        "Input.dispatchTouchEvent" as never,
        {
          type,
          touchPoints: at === null ? [] : [{ x: at, y: 300 }],
        } as never,
      );
    await touch("touchStart", x);
    await touch("touchMove", x - 40);
    await touch("touchMove", x - 80);
    await touch("touchEnd", null);
    await expect.poll(panelWidth).toBe(460);
    await page.reload();
    await edge().waitFor();
    await expect.poll(panelWidth).toBe(380);
  });

  it("in a text from right to left the edge follows its arrows and its pointer", async () => {
    await arrive({ place: "&thread=working" });
    await edge().waitFor();
    await page.evaluate("document.documentElement.dir = 'rtl'");
    await edge().focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(panelWidth).toBe(396);
    await drag(64);
    await expect.poll(panelWidth).toBe(460);
  });

  it("a phone has no edge to move", async () => {
    await arrive({ place: "&thread=working", viewport: { width: 390, height: 844 } });
    await button("Show workspace").click();
    await page.getByRole("tab", { name: "Plan" }).waitFor();
    expect(await edge().count()).toBe(0);
    await expect.poll(panelWidth).toBe(390);
  });

  it.each([
    ["en-GB", "Local sandbox, Sample search", "Commands run on this machine", "Web searches return made-up"],
    ["zh-CN", "本机沙箱, 示例搜索", "命令在本机运行", "虚构的示例网页"],
  ])("stand-ins are a chip that opens what they are (%s)", async (locale, name, ...texts) => {
    await arrive({ locale, viewport: { width: 390, height: 844 } });
    const chip = button(new RegExp(name.replace(", ", ".*, ")));
    await chip.waitFor();
    expect(await page.getByText(texts[0] ?? "").isVisible()).toBe(false);
    await chip.focus();
    await page.keyboard.press("Enter");
    const note = page.getByRole("note");
    for (const text of texts) await note.getByText(text).waitFor();
    expect(await chip.getAttribute("aria-expanded")).toBe("true");
    const isWithin = async () => {
      const { x = 0, width = 0 } = (await note.boundingBox()) ?? {};
      return x >= 8 && x + width <= 382;
    };
    await expect.poll(isWithin).toBe(true);
    await page.keyboard.press("Escape");
    await note.waitFor({ state: "hidden" });
    await expect.poll(() => page.evaluate("document.activeElement.textContent")).toContain(name.split(", ")[0]);
  });

  it("a run says how far its plan is, how long it works and what it has used; the tab says that it runs", async () => {
    await arrive({ place: "&thread=working", reducedMotion: "no-preference" });
    await visit.send('[[tool read_file {"path":"none"}]][[then]][[say 3000]] [[pace 20]]');
    const line = page.locator("[data-run-line=running]");
    await line.getByText("0 of 2").waitFor();
    await line.getByText(/^\d[\d.]*[kM]? tokens$/).waitFor();
    const clock = line.locator("[data-clock]");
    const first = await clock.textContent();
    await expect.poll(() => clock.textContent()).not.toBe(first);
    expect(await clock.textContent()).toMatch(/^Time so far: \d:\d\d$/);
    // What screen readers hear of by themselves does not tick.
    // A notice of the sandbox may stand there for a moment.
    await expect.poll(() => line.getByRole("status").textContent()).toBe("0 of 2·Build the server");
    await expect.poll(() => page.title()).toBe("● working · Taskloom");
    await button("Hide workspace").first().click();
    await line.getByRole("button", { name: "Build the server" }).click();
    await page.getByRole("tab", { name: "Plan", selected: true }).waitFor();
    await button("Stop").click();
    await button("Send").waitFor();
    await expect.poll(() => line.count()).toBe(0);
    await expect.poll(() => page.title()).toBe("working · Taskloom");
  });

  it("the tab's title says that a run waits for a person, and no longer once it has its answer", async () => {
    await arrive({ place: "&thread=asks" });
    await visit.send('[[tool execute_command {"command":"echo hi"}]]');
    await button("Approve").waitFor();
    await expect.poll(() => page.title()).toBe("(!) Needs you · Shop · Taskloom");
    await page.reload();
    await expect.poll(() => page.title()).toBe("(!) Needs you · Shop · Taskloom");
    await button("Approve").click();
    await button("Send").waitFor();
    await expect.poll(() => page.title()).toBe("Shop · Taskloom");
  });

  it("the agent and its model are a chip in the composer, which chooses for a new conversation", async () => {
    await arrive();
    await button("Agent: Taskloom demo").click();
    await page.getByRole("menuitemradio", { name: "Careful · demo" }).click();
    await button("Agent: Careful demo").waitFor();
    await visit.send("[[say 2]]");
    await page.locator("[data-answer=whole]").waitFor();
    await button("Agent: Careful demo").click();
    await page.getByText("This conversation keeps its agent.").waitFor();
    expect(await page.getByRole("menuitemradio").count()).toBe(0);
    const thread = new URLSearchParams(new URL(page.url()).hash.slice(1)).get("thread");
    const { agent_id } = await stage.request<{ agent_id: string }>("GET", `/v1/threads/${thread}`);
    expect(agent_id).toBe("careful");
  });
});
