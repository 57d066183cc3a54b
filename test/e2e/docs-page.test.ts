// `/docs` in a browser: the whole description, under its policy, for everybody, and nothing in the description is
// executed.
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listViolationsInBoth } from "../setup/axe.ts";
import { hasBrowser } from "../setup/browser.ts";
import { openWebStage, type WebStage } from "../setup/web-stage.ts";

interface Operation {
  tags: string[];
  operationId: string;
  summary: string;
  description: string;
  parameters?: { description?: string }[];
  responses: Record<string, { content?: Record<string, object> }>;
}

interface Description {
  info: { description: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { description?: string }> };
}

interface Opened {
  page: Page;
  /** Everything that the policy refused, that was thrown, or that was logged as an error. */
  complaints: string[];
  /** Requests to any other host. */
  strayed: string[];
  close(): Promise<void>;
}

let stage: WebStage;

async function open(options: object = {}, prepare?: (page: Page) => Promise<void>): Promise<Opened> {
  const context = await stage.browser.newContext({
    locale: "en-GB",
    viewport: { width: 1280, height: 900 },
    reducedMotion: "reduce",
    ...options,
  });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  const strayed: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(`${stage.server.url}/`)) strayed.push(request.url());
  });
  await prepare?.(page);
  await page.goto(`${stage.server.url}/docs`);
  return { page, complaints, strayed, close: () => context.close() };
}

const operation = (page: Page, id: string) => page.locator(`[id^=operations-][id$="-${id}"]`);
const startRun = "post_threads_thread_id_runs";
const listThreads = "get_threads";

async function unfold(page: Page, id: string): Promise<void> {
  await operation(page, id).locator(".opblock-summary-control").click();
  await operation(page, id).locator(".responses-table").waitFor();
}

async function authorize(page: Page, key: string): Promise<void> {
  await page.locator(".scheme-container").getByRole("button", { name: "Authorize" }).click();
  await page.getByLabel("API key").fill(key);
  await page.locator(".modal-ux").getByRole("button", { name: "Authorize" }).click();
}

async function readDescription(): Promise<Description> {
  return (await (await fetch(`${stage.server.url}/openapi.json`)).json()) as Description;
}

describe.skipIf(!hasBrowser)("/docs", { timeout: 240_000 }, () => {
  beforeAll(async () => {
    stage = await openWebStage();
    await stage.request("POST", "/v1/threads", { thread_id: "thread-of-the-docs" });
  });
  afterAll(async () => {
    await stage?.close();
  });

  it("shows every operation and every schema of the description", async () => {
    const { page, close } = await open();
    const { paths, components } = await readDescription();
    await operation(page, startRun).waitFor();
    const shown = await page
      .locator(".opblock-summary")
      .evaluateAll((rows) =>
        rows.map((row) =>
          [".opblock-summary-method", ".opblock-summary-path"].map((name) => row.querySelector(name)?.textContent),
        ),
      );
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => [method.toUpperCase(), path]),
    );
    expect(described.length).toBeGreaterThan(30);
    expect(shown.toSorted()).toEqual(described.toSorted());
    await page.getByRole("button", { name: "Schemas" }).click();
    await page.locator(".models article").first().waitFor();
    expect(await page.locator(".models .no-margin > article .json-schema-2020-12__title").allTextContents()).toEqual(
      Object.keys(components.schemas),
    );
    await close();
  });

  it("breaks no policy, calls no other host and has no serious accessibility fault, in light and in dark", async () => {
    const { page, complaints, strayed, close } = await open();
    await operation(page, startRun).waitFor();
    for (const id of [startRun, listThreads, "put_projects_project_id_sandbox_files_content"]) await unfold(page, id);
    await operation(page, startRun).getByRole("button", { name: "Try it out" }).click();
    await operation(page, startRun).locator("textarea").waitFor();
    await page.getByRole("button", { name: "Schemas" }).click();
    for (const place of [0, 5]) await page.locator(".models .json-schema-2020-12-accordion").nth(place).click();
    expect(await listViolationsInBoth(page)).toEqual({ light: [], dark: [] });
    await page.locator(".scheme-container").getByRole("button", { name: "Authorize" }).click();
    await page.getByLabel("API key").waitFor();
    expect(await listViolationsInBoth(page, ".modal-ux")).toEqual({ light: [], dark: [] });
    expect(complaints).toEqual([]);
    expect(strayed).toEqual([]);
    await close();
  });

  it("fits a phone", async () => {
    const { page, close } = await open({ viewport: { width: 360, height: 740 } });
    await operation(page, startRun).waitFor();
    await unfold(page, startRun);
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
    await close();
  });

  it("works with the keyboard alone, and an operation has an address", async () => {
    const { page, close } = await open();
    const { keyboard } = page;
    const control = operation(page, listThreads).locator(".opblock-summary-control");
    await control.waitFor();
    await page.getByPlaceholder("Filter by tag").focus();
    await keyboard.type("Threads");
    await operation(page, "get_terminal").waitFor({ state: "detached" });
    const isThere = () => control.evaluate((button) => button === button.ownerDocument.activeElement);
    for (let stops = 0; stops < 120 && !(await isThere()); stops += 1) await keyboard.press("Tab");
    expect(await isThere()).toBe(true);
    await keyboard.press("Enter");
    await operation(page, listThreads).locator(".responses-table").waitFor();
    const address = page.url();
    expect(address).toMatch(/#\/Threads\/get_threads$/);
    await page.goto("about:blank");
    await page.goto(address);
    await operation(page, listThreads).locator(".responses-table").waitFor();
    await close();
  });

  it("shows markup in a description as text and executes none of it", async () => {
    const markup = `<script>document.body.id="taken"</script><img src=x onerror="document.body.id='taken'">[a](javascript:alert(1))`;
    const { page, complaints, strayed, close } = await open({}, async (page) => {
      const api = await readDescription();
      api.info.description = markup;
      for (const one of Object.values(api.paths).flatMap((item) => Object.values(item))) {
        one.summary = one.description = markup;
        for (const parameter of one.parameters ?? []) parameter.description = markup;
      }
      for (const schema of Object.values(api.components.schemas)) schema.description = markup;
      await page.route("**/openapi.json", (route) => route.fulfill({ json: api }));
    });
    await operation(page, startRun).waitFor();
    await unfold(page, startRun);
    await page.getByRole("button", { name: "Schemas" }).click();
    await page.locator(".models .json-schema-2020-12-accordion").first().click();
    for (const place of [
      ".info__description",
      ".opblock-body .opblock-description",
      ".parameters td",
      ".models article",
    ]) {
      expect(await page.locator(place).filter({ hasText: markup }).count()).toBeGreaterThan(0);
    }
    expect(await page.locator("#viewer").locator("script, img, iframe, a[href^=javascript]").count()).toBe(0);
    expect(await page.evaluate("document.body.id")).toBe("");
    expect(complaints).toEqual([]);
    expect(strayed).toEqual([]);
    await close();
  });

  it("sends a request to its own server with a key that it neither shows nor stores", async () => {
    const { page, complaints, strayed, close } = await open();
    const { key } = stage.server;
    await operation(page, listThreads).waitFor();
    await authorize(page, key);
    await page.locator(".modal-ux").getByRole("button", { name: "Close" }).last().click();
    await unfold(page, listThreads);
    const tried = operation(page, listThreads);
    await tried.getByRole("button", { name: "Try it out" }).click();
    await tried.getByRole("button", { name: "Execute" }).click();
    await tried.locator(".live-responses-table .response").getByText("thread-of-the-docs").first().waitFor();
    expect(await tried.locator(".curl-command").textContent()).toContain("Authorization: Bearer $TASKLOOM_KEY");
    expect(await page.content()).not.toContain(key);
    const stored = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])";
    expect(await page.evaluate(stored)).not.toContain(key);
    expect(complaints).toEqual([]);
    expect(strayed).toEqual([]);
    expect(await page.locator(".btn.authorize.locked").count()).toBeGreaterThan(0);
    await page.reload();
    await operation(page, listThreads).waitFor();
    expect(await page.locator(".btn.authorize.locked").count()).toBe(0);
    await close();
  });

  it("offers no try of a subscription, which would never end", async () => {
    const { page, close } = await open();
    await operation(page, startRun).waitFor();
    for (const id of ["get_threads_thread_id_events", "get_terminal"]) {
      await unfold(page, id);
      expect(await operation(page, id).getByRole("button", { name: "Try it out" }).count()).toBe(0);
    }
    await close();
  });

  it("links to the description where its files are missing, and where no script runs", async () => {
    const { page, close } = await open({}, async (page) => {
      await page.route("**/_taskloom/**", (route) => route.abort());
    });
    await page.getByRole("link", { name: "/openapi.json" }).click();
    await page.waitForURL("**/openapi.json");
    await close();
    const silent = await open({ javaScriptEnabled: false });
    expect(await silent.page.getByRole("link", { name: "/openapi.json" }).isVisible()).toBe(true);
    await silent.close();
  });
});
