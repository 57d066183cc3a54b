// Everything beside the conversation: the workspace's panels, the settings, and the list of threads.
import type { Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser } from "../setup/browser.ts";
import { openWebStage, type Visit, type WebStage } from "../setup/web-stage.ts";

let stage: WebStage;
let visit: Visit;
let page: Page;

const button = (name: string | RegExp, within: Page | Locator = page) =>
  within.getByRole("button", { name, exact: typeof name === "string" });
const part = (name: string) => page.getByRole("tab", { name }).click();
const idle = () => button("Send").waitFor();

/** Stays on the page's own origin, which is signed in. */
const open = (place: string) => page.goto(`${new URL(stage.server.address).origin}/#${place}`);

/** Whether the dialog, whose content scrolls, shows the whole element. */
async function isShown(element: Locator, dialog: Locator): Promise<boolean> {
  const [inner, outer] = await Promise.all([element.boundingBox(), dialog.boundingBox()]);
  return inner !== null && outer !== null && inner.y > outer.y && inner.y + inner.height < outer.y + outer.height;
}

async function openSection(name: string): Promise<Locator> {
  await open("settings=keys");
  const dialog = page.getByRole("dialog", { name: "Settings" });
  await button(name, dialog).click();
  return dialog;
}

describe.skipIf(!hasBrowser)("beside the conversation", () => {
  beforeAll(async () => {
    stage = await openWebStage();
    const write = '[[tool create_file {"path":"notes/<b>.txt","content":"What the agent wrote."}]]';
    const report = {
      path: "notes/report.md",
      content: "# Tea\n\nGrew 12% [1].\n\n- [1] Sales <https://tea.example/a>",
    };
    const document = `[[tool create_file ${JSON.stringify(report)}]]`;
    const command = '[[then]][[tool execute_command {"command":"echo said $((40+2))"}]]';
    await stage.request("POST", "/v1/threads/worked/runs?wait=1", { message: `${write}${document}${command}` });
    await stage.request("POST", "/v1/threads", { thread_id: "named", title: "before" });
    visit = await stage.visit({ locale: "en-GB", viewport: { width: 1400, height: 900 }, place: "&thread=worked" });
    ({ page } = visit);
    await page.locator("[data-answer=whole]").waitFor();
    await button("Show workspace").click();
  });
  afterAll(async () => {
    await stage?.close();
  });
  afterEach(() => {
    expect(visit.complaints).toEqual([]);
  });

  it("the terminal shows a command's output, and a shell answers", async () => {
    await open("thread=worked");
    await part("Terminal");
    const rows = page.locator("aside .xterm-rows");
    await rows.getByText("said 42", { exact: true }).waitFor();
    await button("Shell").click();
    await button("Open shell").click();
    await page.getByText("Press Shift+Esc to leave the terminal").waitFor();
    await page.keyboard.type("printf '\\e[38;2;200;30;30m%s\\n' answer=$((6*7))\n");
    await rows.last().getByText("answer=42", { exact: true }).waitFor();
  });

  it("a file of the agent is opened, and one of the person is uploaded and deleted", async () => {
    await open("thread=worked");
    await part("Files");
    const entry = (name: string) => page.getByRole("treeitem").filter({ hasText: name });
    await entry("notes").click();
    await entry("<b>.txt").click();
    await page.locator("aside").getByText("What the agent wrote.", { exact: true }).waitFor();
    await page.getByLabel("Upload files").setInputFiles({
      name: "mine.txt",
      mimeType: "text/plain",
      buffer: Buffer.from("What the person brought."),
    });
    await entry("mine.txt").click();
    await page.getByText("What the person brought.", { exact: true }).waitFor();
    await button("Delete", page.locator("aside")).click();
    await button("Delete", page.getByRole("dialog")).click();
    await entry("mine.txt").waitFor({ state: "detached" });
    expect(await entry("<b>.txt").count()).toBe(1);
  });

  it("a report reads as its Markdown says, with links, and its source is there too", async () => {
    await open("thread=worked");
    await part("Files");
    await page.getByRole("treeitem").filter({ hasText: "report.md" }).click();
    const file = page.getByRole("region", { name: "File contents" });
    await file.getByRole("heading", { name: "Tea" }).waitFor();
    expect(await file.getByRole("link").getAttribute("href")).toBe("https://tea.example/a");
    await button("Show source").click();
    await file.getByText("# Tea").waitFor();
    expect(await file.getByRole("link").count()).toBe(0);
    await button("Show source").click();
    await file.getByRole("heading", { name: "Tea" }).waitFor();
  });

  it("the activity lists what a run did and how long it took", async () => {
    await open("thread=worked");
    await part("Activity");
    const run = page.locator("aside li", { has: button(/^Completed.*tokens/) });
    await run.getByText("Output tokens").waitFor();
    await run.getByText("Model", { exact: true }).waitFor();
  });

  it("a task is moved, added and removed with the keyboard alone", async () => {
    await stage.request("POST", "/v1/threads", { thread_id: "planned" });
    const operations = [{ op: "create", section_title: "<i>S</i>", task_contents: ["one", "two"] }];
    await stage.request("PATCH", "/v1/threads/planned/tasks", { operations });
    await open("thread=planned");
    await part("Plan");
    const tasks = page.locator("[data-task] button[aria-keyshortcuts]");
    await tasks.first().focus();
    await page.keyboard.press("Alt+ArrowDown");
    await expect.poll(() => tasks.allTextContents()).toEqual(["two (pending)", "one (pending)"]);
    await button("Add task to <i>S</i>").focus();
    await page.keyboard.press("Enter");
    await visit.type("three", page.locator("aside"));
    await page.keyboard.press("Enter");
    await tasks.nth(2).waitFor();
    await page.keyboard.press("Escape");
    await expect.poll(() => page.evaluate("document.activeElement.ariaLabel")).toBe("Add task to <i>S</i>");
  });

  it("a key is shown once", async () => {
    const dialog = await openSection("API keys");
    await button("New key", dialog).click();
    await visit.type("<b>laptop</b>", dialog);
    await page.keyboard.press("Enter");
    await dialog.getByText("You can see this only once.").waitFor();
    const key = (await dialog.getByRole("status").locator("code").textContent()) ?? "";
    const answer = await fetch(`${stage.server.url}/v1/threads`, { headers: { authorization: `Bearer ${key}` } });
    expect(answer.status).toBe(200);
    await button("Done", dialog).click();
    await dialog.getByText("<b>laptop</b>").waitFor();
    expect(await page.content()).not.toContain(key);
  });

  it("a schedule shows when it is due, and running it now leads to its conversation", async () => {
    const dialog = await openSection("Triggers");
    await button("New schedule", dialog).click();
    await visit.type("Say hello.", dialog);
    await button("Create trigger", dialog).click();
    await dialog.locator("tbody tr >> nth=4").waitFor();
    expect(await dialog.locator("tbody tr").count()).toBe(5);
    await button("Run now", dialog).click();
    await button("Open conversation", dialog).first().click();
    await page.getByRole("log").getByText("Say hello.").first().waitFor();
    await idle();
  });

  it("an endpoint of event notifications is created with its secret, and waits for a response to its ping", async () => {
    const dialog = await openSection("Event notifications");
    await button("New endpoint", dialog).first().click();
    await visit.type("https://hooks.invalid/", dialog);
    await button("Create endpoint", dialog).click();
    await dialog.getByText("You can see this only once.").waitFor();
    await dialog.getByText("whsec_").waitFor();
    await dialog.getByText("Waiting for a response").waitFor();
    await dialog.getByText("No events are sent until the endpoint responds to a ping").waitFor();
    const logged = dialog.getByText("Ping", { exact: true });
    await expect.poll(() => logged.count()).toBe(1);
    await button("Send ping", dialog).click();
    await expect.poll(() => logged.count()).toBe(2);
    expect(await button("Resend", dialog).count()).toBe(0);
  });

  it("an agent is made with a model that the server offers, its effort and its longest reply", async () => {
    const dialog = await openSection("Agents");
    await button("New agent", dialog).click();
    await dialog.getByText("Leave blank for the server default (demo).").waitFor();
    await dialog.getByLabel("Name", { exact: true }).fill("Careful");
    const model = dialog.getByLabel("Model", { exact: true });
    const offered = page.locator(`[id="${await model.getAttribute("list")}"] option`);
    const names = await offered.evaluateAll((options) => options.map((option) => option.getAttribute("value")));
    expect(names).toEqual(["demo", "taskloom-scripted-demo"]);
    await model.fill("taskloom-scripted-demo");
    await dialog.getByLabel("Reasoning effort").selectOption("High");
    await dialog.getByLabel("Max tokens per reply").fill("9000");
    await button("Create agent", dialog).click();
    await dialog.getByText("9000", { exact: true }).waitFor();
    expect(await stage.request("GET", "/v1/agents")).toMatchObject({
      data: [
        {
          ...{ name: "Careful", model: "taskloom-scripted-demo" },
          model_options: { reasoning_effort: "high", max_output_tokens: 9000 },
        },
        { agent_id: "agent_default", model_options: {} },
      ],
    });
  });

  it("what is wrong with a form that Enter sends is scrolled into view", async () => {
    const dialog = await openSection("Agents");
    await button("New agent", dialog).click();
    await dialog.getByText("Advanced", { exact: true }).click();
    const others = dialog.getByLabel("Other settings, as JSON");
    const name = dialog.getByLabel("Name", { exact: true });
    for (const [wrong, words] of [
      ["{", "The other settings aren't a JSON object."],
      ['{"temperature": 9}', "temperature"],
    ] as const) {
      await others.fill(wrong);
      await name.fill("Wrong");
      await name.press("Enter");
      const notice = dialog.getByRole("alert").filter({ hasText: words });
      await notice.waitFor();
      await expect.poll(() => isShown(notice, dialog)).toBe(true);
    }
    expect(visit.complaints.splice(0)).toEqual([expect.stringContaining("400")]);
  });

  it("the usage has a bar for today", async () => {
    const dialog = await openSection("Usage");
    const bars = dialog.getByRole("group", { name: "Tokens by day" }).getByRole("button");
    const today = await bars.last().getAttribute("aria-label");
    expect(today).toMatch(/: [1-9][\d,]* tokens, [1-9]\d* runs$/);
  });

  it("a conversation is renamed, found and deleted", async () => {
    await open("thread=worked");
    await button("Actions for before").click();
    await page.getByRole("menuitem", { name: "Rename" }).click();
    await visit.type("<u>Übung</u> \u202eabc", page.locator("nav"));
    await page.keyboard.press("Enter");
    await button(/^Actions for <u>Übung/).waitFor();
    await page.keyboard.press("Control+k");
    await page.locator("[role=combobox]:focus").waitFor();
    await page.keyboard.type("ubung");
    await page.getByRole("option", { name: "Übung" }).waitFor();
    await page.keyboard.press("Enter");
    await expect.poll(() => page.url()).toContain("thread=named");
    await button(/^Actions for <u>Übung/).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await button("Delete", page.getByRole("dialog")).click();
    await button(/^Actions for <u>Übung/).waitFor({ state: "detached" });
    await expect.poll(() => page.url()).not.toContain("thread=named");
  });

  it("a conversation is named after its first message as soon as a run works on it", async () => {
    await open("thread=worked");
    await button("New conversation").click();
    await visit.send("[[say 2000]] [[pace 20]]  a \u202egarden");
    await button("Actions for [[say 2000]] [[pace 20]] a garden").waitFor();
    expect(await page.locator("[data-answer=whole]").count()).toBe(0);
    await page.keyboard.press("Escape");
    await idle();
    await expect.poll(() => page.title()).toBe("[[say 2000]] [[pace 20]] a garden · Taskloom");
  });

  it("a conversation is started in a project", async () => {
    await open("thread=worked");
    await button("Project: All projects").click();
    await page.getByRole("menuitem", { name: "New project…" }).click();
    await visit.type("Garden", page.getByRole("dialog"));
    await page.keyboard.press("Enter");
    await button("Project: Garden").waitFor();
    await button("New conversation").click();
    await page.getByRole("heading", { name: "What should we build?" }).waitFor();
    await visit.send("[[say 2]]");
    await expect.poll(() => page.url()).toMatch(/thread=thread_/);
    await page.locator("[data-answer=whole]").waitFor();
    await idle();
    const { data } = await stage.request<{ data: { project_id: string; name: string | null }[] }>(
      "GET",
      "/v1/projects",
    );
    const garden = data.find(({ name }) => name === "Garden")?.project_id;
    const listed = await stage.request<{ data: { project_id: string }[] }>("GET", "/v1/threads");
    expect(listed.data.filter(({ project_id }) => project_id === garden).length).toBe(1);
  });
});
