// The web app when connections, pages and servers come and go: it always returns to exactly what the server has.
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser } from "../setup/browser.ts";
import { type CuttableProxy, startCuttableProxy } from "../setup/cuttable-proxy.ts";
import { openWebStage, type Visit, type VisitOptions, type WebStage } from "../setup/web-stage.ts";

let stage: WebStage;
let proxy: CuttableProxy;
let visits: Visit[] = [];

async function visit(options: VisitOptions = {}): Promise<Visit> {
  const made = await stage.visit(options);
  visits.push(made);
  return made;
}

/** The conversation's messages, in order. */
async function readLog(page: Page): Promise<string[]> {
  const texts = await page.locator("[data-said], [data-answer], [data-end]").allTextContents();
  return texts.map((text) => text.trim());
}

/** The waiting messages, in order: how each is to be taken, and its text. */
function readWaiting(page: Page): Promise<[mode: string, text: string][]> {
  const each = "(shown) => [shown.dataset.waiting, shown.firstChild.textContent]";
  return page.evaluate(`[...document.querySelectorAll("[data-waiting]")].map(${each})`);
}

/** How long a page may take to open on a busy machine. */
async function seeWaiting(page: Page, expected: string[][]): Promise<void> {
  await expect.poll(() => readWaiting(page), { timeout: 60_000 }).toEqual(expected);
}

/** Sends while a run works, and waits until the server has it. */
async function sendBeside(page: Page, text: string, mode: string): Promise<void> {
  const taken = page.waitForResponse((response) => response.url().endsWith("/runs") && response.status() === 202);
  await page.getByLabel("消息", { exact: true }).fill(text);
  await page.getByRole("radio", { name: mode, exact: true }).check();
  await page.getByRole("button", { name: "发送", exact: true }).click();
  await taken;
}

/** A page whose stream is still open after a run's end does not ask again, so it is woken until it does. */
async function noticeLoss(page: Page): Promise<void> {
  const wake = () => page.evaluate("window.dispatchEvent(new Event('online'))");
  const isNoticed = () => page.getByText("连接已断开，正在重新连接").isVisible();
  await expect.poll(() => wake().then(isNoticed), { timeout: 60_000 }).toBe(true);
}

/** What the page asks in that time. Requests are reported in order, so those before the barrier are known with it. */
async function passHalfAnHour(page: Page, asked: string[]): Promise<string[]> {
  asked.length = 0;
  await page.clock.fastForward("30:00");
  const barrier = page.waitForRequest("**/barrier");
  await page.evaluate("void fetch('/barrier')");
  await barrier;
  return [...asked];
}

/** A thread whose run, once it has got `message`, works until `release` is called. */
async function holdRun(thread: string): Promise<{ message: string; release(): Promise<void> }> {
  await stage.request("POST", "/v1/projects", { project_id: thread, name: thread });
  await stage.request("POST", "/v1/threads", { thread_id: thread, project_id: thread });
  const address = new URL(`/v1/projects/${thread}/sandbox/files/content?path=go`, stage.server.url);
  const headers = { authorization: `Bearer ${stage.server.key}`, "content-type": "application/octet-stream" };
  const command = "until [ -e go ]; do sleep 0.1; done";
  return {
    message: `[[tool execute_command ${JSON.stringify({ command })}]]`,
    release: async () => {
      expect((await fetch(address, { method: "PUT", headers, body: "go" })).ok).toBe(true);
    },
  };
}

const idle = (page: Page) => page.getByRole("button", { name: "发送", exact: true }).waitFor();
const answers = (page: Page) => page.locator("[data-answer]");
const words = (count: number) => Array.from({ length: count }, () => "word").join(" ");

describe.skipIf(!hasBrowser)("the web app", () => {
  beforeAll(async () => {
    stage = await openWebStage();
    proxy = await startCuttableProxy(stage.server.port);
  });
  afterAll(async () => {
    await proxy?.close();
    await stage?.close();
  });
  afterEach(async () => {
    proxy.mend();
    for (const each of visits) await each.close();
    visits = [];
  });

  it("continues after a reload in mid-stream, with nothing doubled and nothing missing", async () => {
    const { page, send, complaints } = await visit();
    await send("[[say 150]] [[pace 60]]");
    await answers(page).getByText("word word").waitFor();
    await page.reload();
    await answers(page).getByText("word word").waitFor();
    await idle(page);
    expect(await readLog(page)).toEqual(["[[say 150]] [[pace 60]]", words(150)]);
    await page.reload();
    await answers(page).waitFor();
    expect(await readLog(page)).toEqual(["[[say 150]] [[pace 60]]", words(150)]);
    expect(complaints).toEqual([]);
  });

  it("continues where it was when the connection is cut in mid-stream, and reports the loss meanwhile", async () => {
    const { page, send } = await visit({ origin: proxy.url });
    await send("[[say 150]] [[pace 60]] cut");
    await answers(page).getByText("word word").waitFor();
    proxy.cut();
    await page.getByText("连接已断开，正在重新连接").waitFor();
    proxy.mend();
    await idle(page);
    expect(await readLog(page)).toEqual(["[[say 150]] [[pace 60]] cut", words(150)]);
  });

  it("stops reporting a lost connection when a later run streams", async () => {
    const { page, send } = await visit({ place: "&thread=lost" });
    await send("[[text before]]");
    await answers(page).getByText("before", { exact: true }).waitFor();
    await idle(page);
    await page.context().setOffline(true);
    await noticeLoss(page);
    await page.route("**/v1/threads/lost/events", (route) => route.abort());
    await page.context().setOffline(false);
    await send("[[say 100]] [[pace 50]]");
    await answers(page).getByText("word word").waitFor();
    expect(await page.getByText("连接已断开，正在重新连接").count()).toBe(0);
  });

  it("returns to the run when the server is killed and started again", async () => {
    const { page, send } = await visit({ origin: proxy.url });
    await send("[[say 150]] [[pace 50]] killed");
    await answers(page).getByText("word word").waitFor();
    proxy.cut();
    await stage.server.stop("SIGKILL");
    proxy.leadTo((await stage.restart()).port);
    proxy.mend();
    await idle(page);
    expect(await readLog(page)).toEqual(["[[say 150]] [[pace 50]] killed", words(150)]);
  });

  it("shows in a second tab what the first one starts, and the same in both at the end", async () => {
    const { page, send } = await visit({ place: "&thread=tabs" });
    const other = await page.context().newPage();
    await other.goto(`${stage.server.address}&thread=tabs`);
    await other.getByLabel("消息", { exact: true }).waitFor();
    await send("[[say 60]] [[pace 60]]");
    await answers(other).getByText("word word").waitFor();
    await idle(page);
    await idle(other);
    expect(await readLog(other)).toEqual(["[[say 60]] [[pace 60]]", words(60)]);
    await other.getByLabel("消息", { exact: true }).fill("[[text 好的]]");
    await other.keyboard.press("Enter");
    await answers(page).getByText("好的").waitFor();
    await idle(page);
    expect(await readLog(page)).toEqual(await readLog(other));
  });

  it("stops a run with Escape, and shows the text up to then", async () => {
    const { page, send } = await visit();
    await send("[[say 5000]] [[pace 60]]");
    await answers(page).getByText("word word").waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("已停止").waitFor();
    await idle(page);
    const log = await readLog(page);
    expect(log).toHaveLength(3);
    await page.reload();
    await page.getByText("已停止").waitFor();
    expect(await readLog(page)).toEqual(log);
  });

  it("takes a message while a run works: into the run at its next step, or as the next run", async () => {
    const { message, release } = await holdRun("held");
    const { page, send } = await visit({ place: "&thread=held" });
    const box = page.getByLabel("消息", { exact: true });
    await send(message);
    await page.locator("[data-tool=execute_command]").waitFor();
    await box.fill("[[text steered]]");
    await box.press("Enter");
    await page.getByText("将在下一步读取").waitFor();
    await box.fill("[[text queued]]");
    await page.getByRole("radio", { name: "排队", exact: true }).check();
    await page.getByRole("button", { name: "发送", exact: true }).click();
    await page.locator("[data-waiting]").getByText("排队中").waitFor();
    await release();
    await answers(page).getByText("queued", { exact: true }).waitFor();
    await idle(page);
    const log = await readLog(page);
    expect(log.filter((text) => text === "[[text steered]]" || text === "[[text queued]]")).toHaveLength(2);
    await page.reload();
    await answers(page).getByText("queued", { exact: true }).waitFor();
    await idle(page);
    expect(await readLog(page)).toEqual(log);
  });

  it("shows waiting messages after a reload and in another tab, until each is taken once", async () => {
    const { message, release } = await holdRun("reloaded");
    const { page, send, complaints } = await visit({ place: "&thread=reloaded" });
    await send(message);
    await page.locator("[data-tool=execute_command]").waitFor();
    await sendBeside(page, "[[text queued]]", "排队");
    await sendBeside(page, "[[text steered]]", "立即发送");
    const expected = [
      ["steer", "[[text steered]]"],
      ["enqueue", "[[text queued]]"],
    ];
    await page.reload();
    await seeWaiting(page, expected);
    const other = await page.context().newPage();
    await other.goto(page.url());
    await seeWaiting(other, expected);
    expect(await page.locator("[data-answer=whole]").count()).toBe(0);
    await release();
    for (const each of [page, other]) {
      await answers(each).getByText("queued", { exact: true }).waitFor();
      await idle(each);
      const said = [message, "[[text steered]]", "steered", "[[text queued]]", "queued"];
      expect(await readLog(each)).toEqual(said);
      expect(await readWaiting(each)).toEqual([]);
    }
    expect(complaints).toEqual([]);
  });

  it("finds the run that works behind a long queue", async () => {
    const path = "/v1/threads/crowded/runs";
    const begin = (message: string) => stage.request("POST", path, { message });
    const { message, release } = await holdRun("crowded");
    await begin(`${message}[[then]][[say 40]]`);
    const texts = Array.from({ length: 12 }, (_, place) => `number ${place}`);
    for (const text of texts) await begin(`[[text ${text}]]`);
    // So tall that the whole log is rendered: rows out of sight are not.
    const { page } = await visit({ place: "&thread=crowded", viewport: { width: 1280, height: 3_000 } });
    await seeWaiting(
      page,
      texts.map((text) => ["enqueue", `[[text ${text}]]`]),
    );
    await release();
    await answers(page).getByText("word word").waitFor();
    await answers(page).getByText("number 11", { exact: true }).waitFor();
    await idle(page);
    const said = texts.flatMap((text) => [`[[text ${text}]]`, text]);
    expect(await readLog(page)).toEqual([`${message}[[then]][[say 40]]`, words(40), ...said]);
  });

  it("shows what another tab sends while a run works, and no longer what somebody took back", async () => {
    const { page, send } = await visit({ place: "&thread=back" });
    await send("[[say 5000]] [[pace 40]]");
    await answers(page).getByText("word word").waitFor();
    const other = await page.context().newPage();
    await other.goto(`${stage.server.address}&thread=back`);
    await answers(other).getByText("word word").waitFor();
    await sendBeside(page, "[[text one]]", "排队");
    await sendBeside(page, "[[text two]]", "排队");
    const both = ["one", "two"].map((text) => ["enqueue", `[[text ${text}]]`]);
    await seeWaiting(other, both);
    const path = "/v1/threads/back";
    const { data } = await stage.request<{ data: { invocation_id: string }[] }>("GET", `${path}/inbox`);
    await stage.request("POST", `${path}/runs/${data[0]?.invocation_id}/cancel`);
    await other.reload();
    await seeWaiting(other, both.slice(1));
    await other.close();
    await page.keyboard.press("Escape");
    await answers(page).getByText("two", { exact: true }).waitFor();
    await idle(page);
    await seeWaiting(page, []);
    expect((await readLog(page)).filter((text) => text.startsWith("[[text"))).toEqual(["[[text two]]"]);
  });

  it("sends its server nothing while nothing happens, and reads again when somebody comes back", async () => {
    const { page, send } = await visit();
    await page.clock.install();
    await send("[[text done]]");
    await answers(page).getByText("done").waitFor();
    const asked: string[] = [];
    const closed = page.waitForResponse((response) => /threads\/[^/]+\/events$/.test(response.url()));
    await page.route("**/v1/threads/*/events", (route) =>
      route.fulfill({ contentType: "text/event-stream", body: "retry: 20000\n" }),
    );
    await page.reload();
    await closed;
    await idle(page);
    page.on("request", (request) => {
      if (!request.url().endsWith("/barrier")) asked.push(request.url());
    });
    // What loading the page has planned for the next moments comes first, as often as the machine is late with it.
    await expect.poll(() => passHalfAnHour(page, asked), { timeout: 60_000 }).toEqual([]);
    await page.evaluate("window.dispatchEvent(new Event('focus'))");
    await expect.poll(() => asked.length).toBeGreaterThan(0);
  });
});
