// What the conversation says of calls, and how answers are drawn, in a browser.
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser } from "../setup/browser.ts";
import { openWebStage, type Visit, type WebStage } from "../setup/web-stage.ts";

let stage: WebStage;
let visit: Visit;
let page: Page;

const button = (name: string) => page.getByRole("button", { name, exact: true });
const call = (tool: string) => page.locator(`[data-tool=${tool}]`);

/** Stays on the page's own origin, which is signed in. */
const open = (thread: string) => page.goto(`${new URL(stage.server.address).origin}/#thread=${thread}`);

describe.skipIf(!hasBrowser)("the conversation", () => {
  beforeAll(async () => {
    stage = await openWebStage();
    const approvals = ["execute_command", "create_file"];
    await stage.request("POST", "/v1/agents", { agent_id: "careful", name: "Careful", approvals });
    for (const thread_id of ["declined", "answered"]) {
      await stage.request("POST", "/v1/threads", { thread_id, agent_id: "careful" });
    }
    visit = await stage.visit({ locale: "en-GB" });
    ({ page } = visit);
    await page.getByLabel("Message", { exact: true }).waitFor();
  });
  afterAll(async () => {
    await stage?.close();
  });
  afterEach(() => {
    expect(visit.complaints).toEqual([]);
  });

  it("does not claim that a declined call was made, and shows what was declined and why", async () => {
    await open("declined");
    await visit.send('[[tool execute_command {"command":"echo never"}]]');
    await page.getByLabel("Reason for declining (optional)").fill("Too loud.");
    await button("Decline").click();
    const row = call("execute_command").getByRole("button").first();
    await row.getByText("Declined", { exact: true }).waitFor();
    expect(await row.textContent()).toMatch(/^Run ?echo never ?Declined$/);
    await row.click();
    await call("execute_command").getByText("This call was declined, so it was not made. Reason: Too loud.").waitFor();
    expect(await call("execute_command").textContent()).not.toContain("go on without it");
  });

  it("does not claim that a call was made where a message came in place of its approval", async () => {
    await open("answered");
    await visit.send('[[tool create_file {"path":"never.txt","content":"nothing"}]]');
    await button("Approve").waitFor();
    expect(await call("create_file").textContent()).toMatch(/^Write/);
    await visit.send("Something else");
    await call("create_file").getByText("Declined", { exact: true }).waitFor();
    expect(await call("create_file").textContent()).toMatch(/^Write/);
  });

  it("lets what waits be edited, sent now and removed, in every tab", async () => {
    await stage.request("POST", "/v1/threads", { thread_id: "waiting" });
    await open("waiting");
    await visit.send("[[pace 20]] [[say 4000]]");
    await page.locator("[data-answer=open]").waitFor();
    const rows = page.locator("[data-waiting]");
    const row = (text: string) => rows.filter({ hasText: text });
    const act = (text: string, name: string) => row(text).getByRole("button", { name, exact: true }).click();
    for (const text of ["first", "second", "third"]) {
      await page.getByLabel("Message", { exact: true }).fill(text);
      await page.getByRole("radio", { name: "Queue", exact: true }).check();
      await page.getByLabel("Message", { exact: true }).press("Enter");
      await row(text).getByRole("button", { name: "Edit", exact: true }).waitFor();
    }
    await act("first", "Edit");
    await page.getByLabel("Waiting message").fill("first, with <b>milk</b>");
    await page.keyboard.press("Enter");
    await row("first, with <b>milk</b>").waitFor();
    await act("second", "Remove");
    await row("second").waitFor({ state: "detached" });
    await act("third", "Send now");
    await page.locator("[data-waiting=steer]").filter({ hasText: "third" }).waitFor();
    await page.reload();
    await page.locator("[data-waiting=steer]").filter({ hasText: "third" }).waitFor();
    expect((await rows.locator("[dir=auto]").allTextContents()).sort()).toEqual(["first, with <b>milk</b>", "third"]);
    await button("Stop").click();
    await page.locator("[data-said]").filter({ hasText: "third" }).waitFor();
    await page.locator("[data-said]").filter({ hasText: "first, with <b>milk</b>" }).waitFor();
    expect(await page.locator("[data-said]").filter({ hasText: "second" }).count()).toBe(0);
  });

  it("shows a task as under way, and counts its time, from when its first call is being written", async () => {
    await stage.request("POST", "/v1/threads", { thread_id: "written" });
    const operations = [{ op: "create", section_title: "S", task_contents: ["Write it", "Read it"] }];
    await stage.request("PATCH", "/v1/threads/written/tasks", { operations });
    await open("written");
    const call = { path: "long.txt", content: "line ".repeat(500) };
    await visit.send(`[[stall after 40]][[tool create_file ${JSON.stringify(call)}]]`);
    const task = page.locator("[data-task]").filter({ hasText: "Write it" });
    await page.locator("[data-task][data-status=in_progress]").waitFor();
    await task.getByText(/^Duration: ?[1-9]/).waitFor();
    await button("Stop").click();
    await page.locator("[data-end=cancelled]").waitFor();
    expect(await page.locator("[data-task][data-status=in_progress]").count()).toBe(0);
  });

  it("shows what was just sent, also to whoever has scrolled up", async () => {
    const message = `[[text ${"line\n\n".repeat(80)}end]]`;
    await stage.request("POST", "/v1/threads/scrolled/runs?wait=1", { message });
    await open("scrolled");
    await page.getByText("end", { exact: true }).waitFor();
    await page.getByRole("log").hover();
    await page.mouse.wheel(0, -1_500);
    await button("Jump to latest").waitFor();
    await visit.send("[[text Short.]]");
    await page.locator("[data-said]").last().getByText("Short.").waitFor();
    await page.getByText("Short.", { exact: true }).waitFor();
    const isShown = async () => {
      const place = await page.locator("[data-said]").last().boundingBox();
      const log = await page.getByRole("log").boundingBox();
      return place !== null && log !== null && place.y >= log.y && place.y < log.y + log.height;
    };
    await expect.poll(isShown).toBe(true);
  });

  it("lets the head of a new conversation be read at small heights", async () => {
    const { page: small, close } = await stage.visit({ locale: "en-GB", viewport: { width: 700, height: 330 } });
    const heading = small.getByRole("heading", { name: "What should we build?" });
    await heading.waitFor();
    const [head, whole] = [await heading.boundingBox(), await heading.locator("xpath=..").boundingBox()];
    expect(head !== null && whole !== null && head.y >= whole.y).toBe(true);
    await close();
  });

  it("draws a block of code without the style of code within a sentence", async () => {
    await stage.request("POST", "/v1/threads/code/runs?wait=1", { message: "[[text Use `a`:\n\n```\nb\n```]]" });
    await open("code");
    const styleOf = (place: string) =>
      page.evaluate(`getComputedStyle(document.querySelector("[data-answer] ${place}")).backgroundColor`);
    await page.locator("[data-answer] pre code").waitFor();
    expect(await styleOf("pre code")).toBe("rgba(0, 0, 0, 0)");
    expect(await styleOf("p code")).not.toBe("rgba(0, 0, 0, 0)");
  });

  it("shows the whole of a long command in its opened row", async () => {
    const command = `echo ${"long ".repeat(60)}end`;
    await stage.request("POST", "/v1/threads/long/runs?wait=1", {
      message: `[[tool execute_command ${JSON.stringify({ command })}]]`,
    });
    await open("long");
    await call("execute_command").getByRole("button").first().click();
    await expect.poll(() => call("execute_command").locator("pre").first().textContent()).toBe(command);
  });
});
