import { beforeEach, describe, expect, it, vi } from "vitest";
import { call, type Reply, say } from "../../../test/fakes/replies.ts";
import { fetchTea, found, pages, research, run, runOf, search, ships, tea } from "../../../test/fakes/research.ts";
import { openDatabase } from "../../../test/fakes/sqlite-database.ts";
import { FakeThread, type FakeThreadOptions } from "../../../test/fakes/thread.ts";
import { memoryWeb } from "../../../test/fakes/web-tools.ts";
import type { ModelRequest } from "../../agent/model.ts";
import { peopleTools } from "../../tools/people.ts";
import { findRun } from "../life.ts";
import { readMessagePage, readRunPage } from "../rows/reads.ts";
import { dropTables, hasTable } from "../rows/tables.ts";
import { ensureRunning } from "./run.ts";
import { findSources, openSources, storeSources } from "./sources.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});

describe("numbers of sources", () => {
  it("are the same for an address in the whole thread, whatever its fragment, in any run and life", async () => {
    const { thread } = await research("In 1610 [1].");
    thread.crash();
    const sources = openSources(thread.life);
    expect(sources.number(`${tea}#top`)).toBe(1);
    expect(sources.number("HTTPS://Ships.example:443/log?year=1610")).toBe(2);
    expect(sources.number("https://new.example/")).toBe(3);
  });

  it("differ for calls at the same time, before either is stored", () => {
    const sources = openSources(new FakeThread().life);
    expect(["https://a.example", "https://b.example", "https://a.example/"].map((url) => sources.number(url))).toEqual([
      1, 2, 1,
    ]);
  });

  it("are free again when the call that took them died", () => {
    const thread = new FakeThread();
    expect(openSources(thread.life).number(tea)).toBe(1);
    thread.crash();
    expect(openSources(thread.life).number(ships)).toBe(1);
  });

  it("stay with their address and it with them, whatever a result lists later", () => {
    const { sql } = openDatabase();
    storeSources(sql, [found(1, tea), found(2, ships)]);
    storeSources(sql, [found(1, ships), found(7, tea)]);
    expect(findSources(sql, [1, 2, 7])?.map(({ n, url }) => `${n} ${url}`)).toEqual([`1 ${tea}`, `2 ${ships}`]);
  });

  it("keep what was read when a later search finds it without a title", () => {
    const { sql } = openDatabase();
    storeSources(sql, [{ ...found(1, tea, { at: "2026-11-27T10:00:00.000Z", hash: "ab" }), title: "Tea" }]);
    storeSources(sql, [found(1, tea)]);
    expect(findSources(sql, [1])).toMatchObject([{ title: "Tea", read: { hash: "ab" } }]);
  });
});

describe("the sources of a run", () => {
  it("are those that it read and those that it cites, by number, each marked", async () => {
    const { thread } = await research("Tea came in 1610 [1], on two ships [2].");
    expect(runOf(thread)?.sources).toEqual([
      expect.objectContaining({ n: 1, url: tea, title: "Tea", read: true, cited: true, hash: expect.any(String) }),
      { n: 2, url: ships, title: "Ships", date: null, fetched_at: null, hash: null, read: false, cited: true },
    ]);
    expect(runOf(thread)?.result).toEqual({ text: "Tea came in 1610 [1], on two ships [2].", unfinished_tasks: 0 });
    expect(thread.batches.flatMap(({ runs }) => runs).at(-1)?.sources).toHaveLength(2);
  });

  it("leave out what was found and neither read nor cited", async () => {
    const { thread } = await research("Tea came in 1610.");
    expect(runOf(thread)?.sources).toMatchObject([{ n: 1, cited: false }]);
  });

  it("count numbers that no source has, once each, and no years", async () => {
    const { thread } = await research("In 1610 [1] [9], [9] or [12], in [2024].");
    expect(runOf(thread)?.result).toMatchObject({ unknown_citations: 2 });
    expect(runOf(thread)?.sources).toMatchObject([{ n: 1, cited: true }]);
  });

  it("are on a run that failed or was cancelled too, with what its texts cite", async () => {
    const web = memoryWeb(pages);
    const both = call({ id: "c3", name: "web_search", input: { query: "ships" } });
    const saysFirst: typeof both = async (request, onDelta, signal) => {
      onDelta({ type: "text", text: "Two ships [2]." });
      const made = await both(request, onDelta, signal);
      return made.kind === "reply" ? { ...made, reply: { ...made.reply, text: "Two ships [2]." } } : made;
    };
    const broken = async () => ({
      kind: "failed" as const,
      failure: { message: "no", retryable: false, too_long: false, retry_after_ms: null },
    });
    const replies = [search, fetchTea, saysFirst, broken];
    const thread = new FakeThread({ replies: replies as never, tools: web.tools });
    await thread.run("When?", run);
    expect(runOf(thread)?.status).toBe("failed");
    expect(runOf(thread)?.sources).toMatchObject([
      { n: 1, read: true, cited: false },
      { n: 2, read: false, cited: true },
    ]);
  });

  it("come with the result in an event that a later reader gets too, and at the end", async () => {
    const { thread, reader } = await research("In 1610 [1].");
    thread.crash();
    for (const { events } of [reader, await thread.read(run).untilClosed()]) {
      const named = events.filter((event) => event.type === "CUSTOM" && event.name === "sources");
      expect(named).toMatchObject([
        { value: { tool_call_id: "c1", sources: [{ n: 1, read: false }, { n: 2 }] } },
        { value: { tool_call_id: "c2", sources: [{ n: 1, url: tea, read: true }] } },
      ]);
      expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", result: { sources: [{ n: 1, cited: true }] } });
    }
  });

  it("are at most a hundred, and of those that it cites none is left out for one that it does not", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 130 }, (_, at) => [`https://e.example/${at + 1}`, { title: "T".repeat(300), text: "x" }]),
    );
    const web = memoryWeb(many);
    const fetches = Object.keys(many).map((url, at) => ({ id: `f${at}`, name: "fetch_url", input: { url } }));
    const replies = [search, call(...fetches.slice(0, 65)), call(...fetches.slice(65)), say("See [130].")];
    const thread = new FakeThread({ replies, tools: web.tools });
    await thread.run("Read all.", run);
    const sources = runOf(thread)?.sources ?? [];
    expect(sources.length).toBeGreaterThan(50);
    expect(sources.length).toBeLessThanOrEqual(100);
    expect(sources.at(-1)).toMatchObject({ n: 130, cited: true });
    expect(JSON.stringify(sources).length).toBeLessThan(51_000);
  });

  it("are no part of a list of runs, which holds two hundred", async () => {
    const { thread } = await research("In 1610 [1].");
    const listed = readRunPage(thread.life, { cursor: null, limit: 9 });
    const { sources: _, ...others } = runOf(thread) ?? {};
    expect(listed).toEqual({ ok: true, value: { data: [others], next_cursor: null } });
    expect(runOf(thread)?.sources).toHaveLength(1);
  });

  it("are named by the row of the call that ends the run with a text, as by that of a message", async () => {
    const summary = "In 1610 [1], on two ships [2].";
    const end = call({ id: "c3", name: "complete", input: { summary } });
    const web = memoryWeb(pages);
    const thread = new FakeThread({ replies: [search, fetchTea, end], tools: [...web.tools, ...peopleTools] });
    await thread.run("When?", run);
    const read = readMessagePage(thread.life, { cursor: null, limit: 99, types: ["tool"], after: null });
    const cites = read.ok && read.value.data.map(({ metadata }) => metadata.cites);
    expect(cites).toEqual([undefined, undefined, runOf(thread)?.sources]);
    expect(runOf(thread)?.sources).toMatchObject([
      { n: 1, read: true, cited: true },
      { n: 2, read: false },
    ]);
  });

  it("mean nothing in a thread that looked nothing up, which has no tables for them either", async () => {
    const thread = new FakeThread({ replies: [say("See [1] and [2].")] });
    await thread.run("hello", run);
    expect(runOf(thread)).not.toHaveProperty("sources");
    expect(runOf(thread)?.result).toEqual({ text: "See [1] and [2].", unfinished_tasks: 0 });
    const { sql } = thread.life.database;
    expect([hasTable(sql, "sources"), hasTable(sql, "run_cache")]).toEqual([false, false]);
  });
});

describe("a page without a title", () => {
  it("keeps the title of the search that found it, in the event of its result and on the run", async () => {
    const web = memoryWeb({ [tea]: { title: "Tea", text: "In 1610." } });
    const tools = web.tools.map((tool) => ({
      ...tool,
      execute: async (...given: Parameters<typeof tool.execute>) => {
        const result = await tool.execute(...given);
        if (tool.name !== "fetch_url" || result.sources === undefined) return result;
        return { ...result, sources: result.sources.map((source) => ({ ...source, title: null })) };
      },
    }));
    const thread = new FakeThread({ replies: [search, fetchTea, say("Done.")], tools });
    const { events } = await thread.run("When did tea come?", run);
    expect(runOf(thread)?.sources).toMatchObject([{ n: 1, title: "Tea", read: true, cited: false }]);
    expect(events.findLast((event) => event.type === "CUSTOM" && event.name === "sources")).toMatchObject({
      value: { tool_call_id: "c2", sources: [{ n: 1, title: "Tea", read: true }] },
    });
  });
});

describe("an agent", () => {
  it.each([
    ["all tools", null, true],
    ["the tools of the web", ["web_search", "fetch_url"], true],
    ["others", ["read_file"], false],
  ])("with %s is offered the web's tools and told of them, or neither", async (_name, tools, isOffered) => {
    const thread = new FakeThread({ replies: [say("Hi.")], tools: memoryWeb(pages).tools, agent: { tools } });
    await thread.run("hello", run);
    const [request] = thread.requests;
    expect(request?.tools.some(({ name }) => name === "fetch_url" || name === "web_search")).toBe(isOffered);
    expect(String(request?.messages[0]?.content).includes("# Research")).toBe(isOffered);
  });
});

describe("the summary of a long research", () => {
  it("still has the numbers and addresses of what was read", async () => {
    const long = { [tea]: { title: "Tea", text: "In 1610. ".repeat(2_000) }, [ships]: pages[ships] };
    const web = memoryWeb(long);
    const fetchShips = call({ id: "c3", name: "fetch_url", input: { url: ships } });
    const replies = [search, fetchTea, say("So far."), fetchShips, say("In 1610 [1].")];
    const isSummary = (request: ModelRequest) =>
      JSON.stringify(request.messages).includes("You summarise the older part");
    const defaultReply: Reply = (request, onDelta, signal) =>
      (isSummary(request) ? say("Tea was looked up.") : (replies.shift() ?? say("Done.")))(request, onDelta, signal);
    const thread = new FakeThread({ defaultReply, tools: web.tools, context_tokens: 6_000 });
    for (const text of ["When?", "And the ships?", "Go on. ".repeat(300), "And then?"]) await thread.run(text);
    const last = JSON.stringify(thread.requests.at(-1)?.messages);
    expect(last).toContain("<conversation_summary>");
    expect(last).toContain(`[1] ${tea} `);
  });
});

describe("the tables of sources", () => {
  it("go with their thread", async () => {
    const { thread } = await research("In 1610 [1].");
    const { sql } = thread.life.database;
    expect([hasTable(sql, "sources"), hasTable(sql, "run_cache")]).toEqual([true, true]);
    dropTables(sql);
    expect([hasTable(sql, "sources"), hasTable(sql, "run_cache")]).toEqual([false, false]);
  });
});

describe("a kill between any two effects of research", () => {
  /** By what was called, so that a reply serves any life. */
  const defaultReply = (async (request, onDelta, signal) => {
    const made = request.messages.filter((message: object) => "tool_calls" in message).length;
    return await ([search, fetchTea][made] ?? say("In 1610 [1], two ships [2]."))(request, onDelta, signal);
  }) as NonNullable<FakeThreadOptions["defaultReply"]>;

  async function play(dies: NonNullable<FakeThreadOptions["dies"]>) {
    const web = memoryWeb(pages);
    const thread = new FakeThread({ defaultReply, tools: web.tools, dies });
    await thread.accept("When?", run).catch(() => {});
    for (let turns = 0; turns < 2000; turns++) {
      if (!thread.isAlive) {
        thread.crash();
        if (findRun(thread.life, "inv_a") === null) await thread.accept("When?", run);
        ensureRunning(thread.life);
      }
      if (thread.isAlive && thread.life.active === null) return { web, run: runOf(thread) };
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error("the run does not end");
  }

  it("leaves the numbers and the sources as they are without it, and repeats a request once at most", async () => {
    let count = 0;
    const counts = () => {
      count += 1;
      return false;
    };
    const whole = await play((when) => when === "before" && counts());
    expect(whole.run?.sources).toHaveLength(2);
    const transactions = count;
    expect(transactions).toBeGreaterThan(8);
    for (const at of ["before", "after"] as const)
      for (let last = 3; last <= transactions; last++) {
        count = 0;
        let isKilled = false;
        const { web, run } = await play((when) => {
          if (when === "before") counts();
          if (isKilled || count !== last || when !== at) return false;
          isKilled = true;
          return true;
        });
        const ofTime = (sources = run?.sources) => sources?.map(({ fetched_at: _, ...source }) => source);
        expect(ofTime()).toEqual(ofTime(whole.run?.sources));
        expect(web.requested.length).toBeLessThanOrEqual(2);
        expect(web.searched.length).toBeLessThanOrEqual(2);
      }
  });
});
