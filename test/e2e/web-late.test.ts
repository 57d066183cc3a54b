// The page while the server's answers are late, or arrive in another order than they were asked for.
import type { Page, Route } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser } from "../setup/browser.ts";
import { openWebStage, type Visit, type WebStage } from "../setup/web-stage.ts";

let stage: WebStage;
let visit: Visit;
let page: Page;

const button = (name: string) => page.getByRole("button", { name, exact: true });
const settings = () => page.getByRole("dialog", { name: "Settings" });

async function arrive(place: string): Promise<void> {
  visit = await stage.visit({ locale: "en-GB", place });
  ({ page } = visit);
}

/** Holds the answers to such requests until it is called. */
async function hold(isHeld: (route: Route) => boolean): Promise<() => void> {
  const free = Promise.withResolvers<void>();
  await page.route(
    () => true,
    async (route) => {
      if (isHeld(route)) await free.promise;
      await route.continue();
    },
  );
  return free.resolve;
}

describe.skipIf(!hasBrowser)("a late answer", () => {
  beforeAll(async () => {
    stage = await openWebStage();
    await stage.request("POST", "/v1/projects", { project_id: "shop", name: "Shop" });
    await stage.request("POST", "/v1/agents", { agent_id: "careful", name: "Careful", instructions: "first" });
    for (const instructions of ["second", "third"]) {
      await stage.request("PATCH", "/v1/agents/careful", { instructions });
    }
  });
  afterAll(async () => {
    await stage?.close();
  });
  afterEach(async () => {
    expect(visit.complaints.filter((text) => !/404/.test(text))).toEqual([]);
    await visit.close();
  });

  it("to a list does not bring former values back into a form that is opened again", async () => {
    await arrive("&settings=agents");
    await button("Careful").click();
    await button("Edit").click();
    const field = settings().getByLabel("Instructions", { exact: true });
    await field.fill("fourth");
    const free = await hold((route) => /\/v1\/agents$/.test(route.request().url()));
    const asked = page.waitForRequest(/\/v1\/agents$/);
    await button("Save new version").click();
    await asked;
    // What the page shows before it has the list, it shows by then.
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    expect(await button("Edit").count()).toBe(0);
    free();
    await button("Edit").click();
    expect(await field.inputValue()).toBe("fourth");
  });

  it("to one comparison does not keep the next one away", async () => {
    await arrive("&settings=agents");
    await button("Careful").click();
    const free = await hold((route) => /compare\?from=1&/.test(route.request().url()));
    await button("Compare version 1 with the latest").click();
    const comparison = page.getByRole("dialog", { name: "Compare versions" });
    await comparison.getByLabel("From").selectOption("Version 2");
    await comparison.getByText("second", { exact: true }).waitFor();
    const late = page.waitForResponse(/compare\?from=1&/);
    free();
    await (await late).finished();
    await comparison.getByText("second", { exact: true }).waitFor();
    expect(await comparison.getByText("first", { exact: true }).count()).toBe(0);
  });

  it("to the making of a conversation leaves none unsent, whichever one is open by then", async () => {
    await arrive("");
    await button("Project: All projects").click();
    await page.getByRole("menuitemradio", { name: "Shop" }).click();
    await button("Project: Shop").waitFor();
    const free = await hold((route) => route.request().method() === "POST" && /threads$/.test(route.request().url()));
    const made = page.waitForRequest((request) => request.method() === "POST" && /threads$/.test(request.url()));
    await visit.send("[[text sent all the same]]");
    const { thread_id } = (await made).postDataJSON() as { thread_id: string };
    await page.evaluate(`location.hash = "thread=elsewhere"`);
    await expect.poll(() => page.getByLabel("Message", { exact: true }).inputValue()).toBe("");
    free();
    const list = () => stage.request<{ data: unknown[] }>("GET", `/v1/threads/${thread_id}/runs`);
    await expect.poll(async () => (await list().catch(() => ({ data: [] }))).data.length).toBe(1);
  });
});
