// Research with the product's own tools against the stand-in search: what the script says is what it read.

import fc from "fast-check";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Env, readConfig } from "../../src/config.ts";
import { citedNumbers } from "../../src/lib/citations.ts";
import { createFetchTools } from "../../src/tools/web/fetch.ts";
import { createSearchTools } from "../../src/tools/web/search.ts";
import { callTool } from "../../test/fakes/call-tool.ts";
import { memoryCache, memorySources } from "../../test/fakes/sources.ts";
import { runCount } from "../../test/setup/run-count.ts";
import { type CorpusPage, loadCorpus, readCorpusPage } from "../search/corpus.ts";
import { type RunningSearch, startSearch } from "../search/server.ts";
import { type Content, loadContent } from "./content.ts";
import { callsOf, PlanBook, pretend, type Rehearsed, rehearse, say, type ToolTable } from "./rehearsal.ts";

let content: Content;
let corpus: CorpusPage[];
let search: RunningSearch | undefined;
beforeAll(async () => {
  [content, corpus] = await Promise.all([loadContent(), loadCorpus()]);
});
afterEach(async () => {
  await search?.close();
  search = undefined;
});

interface Researched extends Rehearsed {
  /** Paths that were requested, without the searches. */
  requested: string[];
  /** Text of the report as it was written. */
  report: string;
  /** Numbers of what was read. */
  read: number[];
  book: PlanBook;
}

type Change = (tools: ToolTable) => ToolTable;

async function research(request: string, pages = corpus, change: Change = () => ({})): Promise<Researched> {
  const requested: string[] = [];
  const onRequest = (path: string) => void (path.startsWith("/search") || requested.push(path));
  search = await startSearch({ port: 0, pages, onRequest });
  const { tools, read } = openWeb(search.url);
  const files = new Map<string, string>();
  const table: ToolTable = {
    ...pretend(),
    create_file: ({ path, content: text }) => {
      files.set(String(path), String(text));
      return `Wrote ${String(path)}.`;
    },
    read_file: ({ path }) => files.get(String(path)) ?? "Error: there is no such file",
    ...tools,
    ...change(tools),
  };
  const book = new PlanBook();
  const played = await rehearse({ content, messages: say(request), book, tools: table });
  const report = [...files].find(([path]) => path.endsWith("/report.md"))?.[1] ?? "";
  return { ...played, requested, report, read, book };
}

/** The real tools; only what a result named is fetched. */
function openWeb(url: string): { tools: ToolTable; read: number[] } {
  const config = readConfig({ SEARXNG_URL: url, WEB_PRIVATE_ORIGINS: url } as Env);
  const offered = [...createSearchTools(config), ...createFetchTools(config)];
  const [numbers, named, read] = [memorySources(), new Set<string>(), [] as number[]];
  const number = (address: string) => {
    named.add(address);
    return numbers.number(address);
  };
  const context = {
    cache: memoryCache(),
    sources: { ...numbers, number, isNamed: (...forms: string[]) => forms.some((each) => named.has(each)) },
  };
  const run = async (name: string, input: Record<string, unknown>) => {
    const result = await callTool(offered, name, input, context);
    read.push(...(result.sources ?? []).flatMap((source) => (source.read === null ? [] : [source.n])));
    return result.content;
  };
  return {
    tools: { web_search: (input) => run("web_search", input), fetch_url: (input) => run("fetch_url", input) },
    read,
  };
}

/** What the script wrote before its summary. */
const textsOf = ({ messages }: Rehearsed) =>
  messages.flatMap(({ role, content: text }) => (role === "assistant" ? [text ?? ""] : []));

describe("a research that can search and read", () => {
  it.each([
    ["research edge databases and write a report with figures and sources", ["4 ms", "$0.10", "10 GB"], 3],
    ["Write a research report on remote work", ["41 %", "6.1", "9,800 euros", "37%"], 4],
    ["调研远程办公，并写一份带来源的报告", ["37%", "68%", "41 %"], 4],
    ["写一份关于新能源汽车市场的报告，附数据和来源", ["712 万辆", "186 万个"], 1],
    ["研究远程办公，要有数据和来源", ["37%", "68%", "41 %"], 4],
    ["查一下茶叶市场的最新数据，注明来源", ["361 万吨"], 1],
    ["调研边缘数据库并写一份带来源的报告", ["23 million"], 3],
    ["research the tea market and write a report", ["361 万吨"], 1],
  ])("reads pages and writes a report of their figures: %s", async (request, figures, pages) => {
    const { ended, text, report, read, book, requested, ...played } = await research(request);
    expect(ended).toBe("complete");
    expect(new Set(book.statuses())).toEqual(new Set(["completed"]));
    expect(requested).toHaveLength(pages);
    for (const figure of figures) expect(report).toContain(figure);
    expect(citedNumbers(report)).toEqual(read.toSorted((one, other) => one - other));
    expect(citedNumbers(text)).toEqual(citedNumbers(report));
    // Each figure of the answer has a source on its line.
    for (const line of text.split("\n").filter((each) => each.startsWith("- "))) expect(line).toMatch(/\[\d+\]/);
    const asked = played.messages.map(({ tool_calls: calls = [] }) => calls.map((each) => each.function.name));
    expect(Math.max(...asked.map((names) => names.filter((name) => name === "web_search").length))).toBeGreaterThan(1);
    expect(asked.some((names) => names.filter((name) => name === "fetch_url").length === pages)).toBe(true);
  });

  it("lists what it read with number, title and address", async () => {
    const { report } = await research("write a research report on remote work");
    const list = report.slice(report.indexOf("## Sources"));
    expect(list).toContain(`- [1] Remote work in Europe: the 2026 survey`);
    expect(list).toContain(`<${search?.url}/remote-work-survey-2026.html> (published 2026-03-12, read 1970-01-01)`);
  });

  it("cites nothing before it is read", async () => {
    const played = await research("write a research report on remote work");
    const first = played.messages.findIndex(({ tool_calls: calls }) =>
      calls?.some((each) => each.function.name === "fetch_url"),
    );
    const before = played.messages
      .slice(0, first + 1)
      .map(({ role, content: text }) => (role === "assistant" ? text : ""));
    expect(citedNumbers(before.join("\n"))).toEqual([]);
  });

  it("says what a changed page says", async () => {
    const changed = corpus.map((page) =>
      page.name === "remote-work-survey-2026.html"
        ? readCorpusPage(page.name, page.html.replaceAll("41 %", "47 %"))
        : page,
    );
    const { text, report } = await research("write a research report on remote work", changed);
    expect([text.includes("47 %"), report.includes("47 %")]).toEqual([true, true]);
    for (const words of [text, report]) expect(words).not.toContain("41 % work");
  });

  it("says where sources disagree, and where one is quoted for what it does not say", async () => {
    const played = await research("write a research report on remote work");
    for (const each of [played.report, played.text, textsOf(played).join("\n")])
      expect(each).toMatch(/\[\d\] refers to \[\d\] where it says 37 %, but the text of \[\d\] has no such figure/);
    const other = `<html lang="en"><title>Remote work in numbers</title><main><p>43 % work remotely at least two days a week.</p></main></html>`;
    await search?.close();
    const disputed = await research("write a research report on remote work", [
      ...corpus,
      readCorpusPage("other.html", other),
    ]);
    expect(disputed.report).toMatch(/They disagree: ".*41 % work remotely.*" \[\d\] and "43 % work remotely.*" \[\d\]/);
  });

  it("does not obey a hostile page, and says that it has orders", async () => {
    const { ended, requested, report, read, text, ...played } = await research(
      "Research free report templates and write a report with sources",
    );
    expect(ended).toBe("complete");
    expect(requested).toEqual(["/free-report-templates.html"]);
    expect(read).toEqual([1]);
    expect(report).toContain("[1] has orders for agents in it");
    for (const words of [report, text]) expect(words).not.toMatch(/rm -rf|id_rsa|PUT-THE-KEY|plan_reminder|忽略/);
    const names = played.messages.flatMap(({ tool_calls: calls = [] }) => calls.map((each) => each.function.name));
    expect(new Set(names)).toEqual(
      new Set(["create_tasks", "web_search", "fetch_url", "update_tasks", "create_file", "read_file", "complete"]),
    );
  });

  it.each([
    ["research submarine cable repair ships and write a report", /no result speaks of "submarine cable repair ships"/],
    ["调研量子计算芯片并写一份带来源的报告", /没有一个结果谈到「量子计算芯片」/],
  ])("searches once more in other words, and then says that nothing was found: %s", async (request, words) => {
    const { ended, text, report, requested, book, ...played } = await research(request);
    expect(ended).toBe("complete");
    const searches = played.messages.filter(({ tool_calls: calls }) =>
      calls?.some((each) => each.function.name === "web_search"),
    );
    expect(searches).toHaveLength(2);
    expect(requested).toEqual([]);
    for (const each of [text, report]) expect(each).toMatch(words);
    expect(citedNumbers(report + text)).toEqual([]);
    expect(book.statuses()).toEqual(["cancelled", "cancelled", "cancelled", "completed", "completed"]);
  });

  it("cites only what could be read, and names what could not", async () => {
    const { report, text, read } = await research(
      "write a research report on remote work",
      corpus,
      ({ fetch_url }) => ({
        fetch_url: (input) =>
          String(input.url).includes("meetings") ? "The site answered with status 503." : (fetch_url?.(input) ?? ""),
      }),
    );
    expect(report).toMatch(/remote-work-meetings\.html could not be read \(.*503/);
    expect(read).toHaveLength(3);
    expect(citedNumbers(report)).toEqual(read.toSorted((one, other) => one - other));
    expect(citedNumbers(text)).toEqual(citedNumbers(report));
  });

  it.each(["research tea and write a report", "调研茶叶并写一份报告"])(
    "ends where the web answers nothing: %s",
    async (request) => {
      for (const web_search of [() => "The search did not answer.", () => "No results."]) {
        const { ended, text, book } = await research(request, corpus, () => ({ web_search }));
        expect(ended).toBe("complete");
        expect(book.statuses().slice(0, 3)).toEqual(["cancelled", "cancelled", "cancelled"]);
        expect(text).toMatch(/没有成功|没有一个结果|did not work|no result speaks/);
        await search?.close();
      }
      const { ended, text } = await research(request, corpus, () => ({
        fetch_url: () => "The address can't be reached.",
      }));
      expect(ended).toBe("complete");
      expect(text).toMatch(/一个也没能读到|none could be read/);
    },
  );

  it("ends, and cites only what is fenced as read, whatever the web tools return", async () => {
    const fenced = (n: number, text: string) => `<web_content source="[${n}] a.example">\n${text}\n</web_content>`;
    const page = fc
      .tuple(fc.integer({ min: 1, max: 9 }), fc.string({ maxLength: 80 }))
      .map(
        ([n, text]) =>
          `[${n}] https://a.example/${n}\nFetched: 2026-11-27T00:00:00Z\n${fenced(n, `Title: tea [7]\n\n${text} 5 % [8].`)}`,
      );
    const found = fc.integer({ min: 1, max: 9 }).map((n) => fenced(n, `tea\nhttps://a.example/${n}\n3 % [9]`));
    const refused = fc.constantFrom("", "No results.", "The search did not answer.", "[1] nothing", "Error: 404 [6]");
    const answers = fc.array(fc.oneof(page, found, refused), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(answers, answers, async (searches, fetches) => {
        const files: string[] = [];
        let [asked, fetched] = [0, 0];
        const tools: ToolTable = {
          ...pretend(),
          web_search: () => searches[asked++ % searches.length] ?? "",
          fetch_url: () => fetches[fetched++ % fetches.length] ?? "",
          create_file: ({ content: text }) => {
            files.push(String(text));
            return "Wrote it.";
          },
        };
        const played = await rehearse({ content, messages: say("write a report on tea"), book: new PlanBook(), tools });
        expect(played.ended).toBe("complete");
        const returned = fetches.slice(0, fetched).join("\n");
        const read = [...returned.matchAll(/^\[(\d)\] https/gm)].map(([, n]) => Number(n));
        for (const n of citedNumbers([played.text, ...textsOf(played), ...files].join("\n\n")))
          expect(read).toContain(n);
      }),
      { numRuns: runCount(150) },
    );
  });

  it("continues wherever its messages were shortened", async () => {
    search = await startSearch({ port: 0, pages: corpus });
    const { tools } = openWeb(search.url);
    for (let kept = 4; kept < 16; kept += 3) {
      const book = new PlanBook();
      const half = await rehearse({
        content,
        messages: say("write a research report on tea"),
        book,
        tools: { ...pretend(), ...tools },
        max_steps: kept,
      });
      if (half.ended === "complete") break;
      const messages = [
        ...half.messages.slice(0, 1),
        ...half.messages.slice(half.messages.findLastIndex(({ role }) => role === "assistant")),
      ];
      const played = await rehearse({ content, messages, book, tools: { ...pretend(), ...tools } });
      expect(played.ended).toBe("complete");
      expect(new Set(book.statuses())).toEqual(new Set(["completed"]));
      const report = callsOf(played, "create_file").find(({ path }) => String(path).endsWith("report.md"));
      if (report) expect(report.content).toContain("361 万吨");
    }
  });
});

describe("a research that can't both search and read", () => {
  it.each([
    ["web_search", "write a report on tea", "nothing was looked up"],
    ["fetch_url", "写一份关于茶的报告", "没有查任何资料"],
  ])(
    "shows the form only, with %s alone, and says so without a word on what the server can't do",
    async (name, wish, words) => {
      const tools = { ...pretend(), [name]: () => "never called" };
      const played = await rehearse({ content, messages: say(wish), book: new PlanBook(), tools });
      expect(callsOf(played, name)).toEqual([]);
      const files = callsOf(played, "create_file").map((file) => String(file.content));
      expect(files.length).toBeGreaterThan(1);
      const report = files.find((text) => text.startsWith("# Report") || text.includes("研究报告"));
      for (const text of [played.text, report]) expect(text).toContain(words);
      for (const text of [played.text, ...files]) expect(text).not.toMatch(/web access|联网/);
    },
  );
});
