// Research as a new user sees it: `npm start` without a key, a request, and a report whose sources open.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startModel } from "../../dev/model/server.ts";
import { startSearch } from "../../dev/search/server.ts";
import { citedNumbers } from "../../src/lib/citations.ts";
import type { Run } from "../../src/protocol/run.ts";
import { hasBrowser, openBrowser } from "../setup/browser.ts";
import { clientOf, type ServerClient } from "../setup/server-client.ts";
import { makeState, runProgram, type StartedServer, type StatePlace, startServer } from "../setup/started-server.ts";

/** The demo model writes as fast as a person reads. */
const PATIENCE_MS = 150_000;

interface Message {
  type: string;
  metadata?: { name?: string };
}

const requests = {
  en: "research edge databases and write a report with figures and sources",
  zh: "调研远程办公，写一份带来源的报告",
};
type Language = keyof typeof requests;

async function makeThread({ json }: ServerClient, id: string): Promise<void> {
  await json("POST", "/v1/projects", { project_id: id, name: id });
  await json("POST", "/v1/threads", { thread_id: id, project_id: id });
}

/** The stream of a run ends with it. */
async function waitForEnd({ json, request }: ServerClient, thread: string, run: string): Promise<Run> {
  const path = `/v1/threads/${thread}/runs/${run}`;
  await (await request("GET", `${path}/events`)).text();
  const ended = await json<Run>("GET", path);
  expect(ended.status).toBe("completed");
  return ended;
}

async function readReport({ json, request }: ServerClient, project: string): Promise<string> {
  const files = `/v1/projects/${project}/sandbox/files`;
  const { data } = await json<{ data: { path: string }[] }>("GET", `${files}?path=research&depth=2`);
  const path = data.map((entry) => entry.path).find((each) => each.endsWith("report.md")) ?? "";
  return (await request("GET", `${files}/content?path=${encodeURIComponent(path)}`)).text();
}

describe("research with npm start and no key", () => {
  let place: StatePlace;
  let server: StartedServer;
  let client: ServerClient;
  let printed: string;
  let runs: Record<Language, Run>;

  beforeAll(async () => {
    place = await makeState();
    server = await startServer(place.state);
    client = clientOf(server);
    await Promise.all([makeThread(client, "en"), makeThread(client, "zh")]);
    const body = { message: requests.en, invocation_id: "inv_en" };
    await client.json("POST", "/v1/threads/en/runs", body);
    // In the terminal, at the same time.
    const asked = await runProgram("dev/ask.ts", [requests.zh, "--state", place.state, "--thread", "zh"]);
    printed = asked.stdout;
    const { data } = await client.json<{ data: Run[] }>("GET", "/v1/threads/zh/runs");
    const zh = await waitForEnd(client, "zh", data[0]?.invocation_id ?? "");
    runs = { en: await waitForEnd(client, "en", "inv_en"), zh };
  }, 2 * PATIENCE_MS);
  afterAll(async () => {
    await server?.stop();
    await place?.removeState();
  });

  it.each(["en", "zh"] as const)("plans, searches, reads and cites only what it read: %s", async (language) => {
    const { sources = [], result } = runs[language];
    const { data } = await client.json<{ data: Message[] }>("GET", `/v1/threads/${language}/messages`);
    const names = data.flatMap(({ type, metadata }) => (type === "tool" ? [metadata?.name] : []));
    const count = (name: string) => names.filter((each) => each === name).length;
    expect(names[0]).toBe("create_tasks");
    expect(count("web_search")).toBeGreaterThan(1);
    expect(count("fetch_url")).toBe(sources.length);
    expect(sources.length).toBeGreaterThan(2);
    expect(sources.map(({ read, cited }) => [read, cited])).toEqual(sources.map(() => [true, true]));
    expect(result?.unknown_citations ?? 0).toBe(0);
    for (const { url } of sources) expect((await fetch(url)).status).toBe(200);
  });

  it.each(["en", "zh"] as const)("writes a report whose figures have sources, and lists them: %s", async (language) => {
    const { sources = [] } = runs[language];
    const report = await readReport(client, language);
    expect(citedNumbers(report)).toEqual(sources.map(({ n }) => n));
    const list = report.slice(report.search(/^## (?:Sources|来源)$/m));
    for (const { n, url, title } of sources) expect(list).toContain(`- [${n}] ${title} — <${url}>`);
    for (const line of report.split("\n").filter((each) => /^- .*\d/.test(each))) expect(line).toMatch(/\[\d+\]/);
    expect(report).toContain(language === "en" ? "$0.10" : "37%");
  });

  it("is drawn in the terminal with its sources", () => {
    const { sources = [] } = runs.zh;
    for (const { n, title, url } of sources) expect(printed).toContain(`[${n}] ${title} — ${url}`);
    expect(printed).toContain("● 核对引用");
  });

  it.skipIf(!hasBrowser)("shows citations as links on the page, and the sources below the answer", async () => {
    const browser = await openBrowser();
    const page = await browser.newPage({ locale: "en-GB", viewport: { width: 390, height: 844 } });
    page.setDefaultTimeout(60_000);
    await page.goto(`${server.address}&thread=en`);
    const answer = page.locator("[data-answer]").last();
    await answer.locator("[data-sources] a").first().waitFor({ timeout: 60_000 });
    const { sources = [] } = runs.en;
    const read = (selector: string) =>
      answer.locator(selector).evaluateAll((links) => links.map((link) => (link as unknown as { href: string }).href));
    const urls = sources.map(({ url }) => url);
    expect(await read("[data-sources] a")).toEqual(urls);
    expect(new Set(await read("a[title]"))).toEqual(new Set(urls));
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    await browser.close();
  });
});

describe("research on a server that is killed", () => {
  it(
    "continues where it was, and reads again only what had not arrived",
    async () => {
      const [place, model, paths] = [
        await makeState(),
        await startModel({ port: 0, tokensPerSecond: 0 }),
        [] as string[],
      ];
      const met = Promise.withResolvers<void>();
      const search = await startSearch({
        port: 0,
        onRequest: async (path) => {
          if (path.startsWith("/search")) return;
          paths.push(path);
          if (path !== "/remote-work-meetings.html" || paths.indexOf(path) !== paths.length - 1) return;
          met.resolve();
          // The answer never comes: the old runtime lives a moment longer than the process that is killed.
          await new Promise(() => {});
        },
      });
      const settings = {
        ...{ OPENAI_API_KEY: "any", OPENAI_BASE_URL: model.baseUrl, OPENAI_MODEL: "demo" },
        ...{ SEARXNG_URL: search.url, WEB_PRIVATE_ORIGINS: search.url },
      };
      const killed = await startServer(place.state, settings);
      await makeThread(clientOf(killed), "lives");
      const body = { message: "research remote work and write a report with sources", invocation_id: "inv_lives" };
      await clientOf(killed).json("POST", "/v1/threads/lives/runs", body);
      await met.promise;
      await killed.stop("SIGKILL");

      const server = await startServer(place.state, settings);
      const client = clientOf(server);
      const { sources = [] } = await waitForEnd(client, "lives", "inv_lives");
      const again = paths.filter((path) => path === "/remote-work-meetings.html");
      expect(again).toHaveLength(2);
      expect(sources).toHaveLength(new Set(paths).size);
      // What had arrived just before may not have been stored yet, and is read once more at most.
      expect(paths.length).toBeLessThanOrEqual(sources.length + 2);
      expect(citedNumbers(await readReport(client, "lives"))).toEqual(sources.map(({ n }) => n));

      // On the same server: a page with orders and a link that asks for a key.
      paths.length = 0;
      const hostile = {
        message: "Research free report templates and write a report with sources",
        invocation_id: "inv_h",
      };
      await client.json("POST", "/v1/threads/hostile/runs", hostile);
      const { result } = await waitForEnd(client, "hostile", "inv_h");
      expect(paths).toEqual(["/free-report-templates.html"]);
      expect(result?.unknown_citations ?? 0).toBe(0);
      await server.stop();
      await Promise.all([search.close(), model.close()]);
      await place.removeState();
    },
    2 * PATIENCE_MS,
  );
});
