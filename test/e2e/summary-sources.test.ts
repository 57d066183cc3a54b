// A summary of the context between reading and citing, over TCP with AG-UI's own client: numbers stay, and what a text
// cites is known although its results are no longer in the model's context.
import { HttpAgent } from "@ag-ui/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunSource } from "../../src/protocol/run.ts";
import { type SearchServer, startSearchServer } from "../contract/search/server.ts";
import { searxng } from "../contract/search/strict/searxng.ts";
import { type HostileSite, startHostileSite } from "../fakes/hostile-site.ts";
import { type MortalTaskloom, startMortalTaskloom } from "./mortal-server.ts";
import { type ModelCall, type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import { actOn, useTool } from "./runs-client.ts";

let [model, search, site, taskloom]: [PuppetModel, SearchServer, HostileSite, MortalTaskloom] = [] as never;

beforeAll(async () => {
  [model, search, site] = await Promise.all([startPuppetModel(), startSearchServer(searxng), startHostileSite()]);
  taskloom = await startMortalTaskloom({
    ...{ OPENAI_BASE_URL: model.baseUrl, MODEL_CONTEXT_TOKENS: "16500" },
    ...{ SEARXNG_URL: search.url, WEB_PRIVATE_ORIGINS: site.url },
  });
  search.pages = Array.from({ length: 10 }, (_, at) => ({
    url: at === 3 ? `${site.url}/paragraphs` : `https://e.example/${at}`,
    title: `Page ${at}`,
    passage: "It grew by 12 %. ".repeat(20),
  }));
});
afterAll(async () => {
  await taskloom?.close();
  await Promise.all([model?.close(), search?.close(), site?.close()]);
});

const contentOf = ({ messages }: ModelCall) => JSON.stringify(messages);
const isSummary = (call: ModelCall) => contentOf(call).includes("You summarise the older part");

describe("a summary between reading and citing", () => {
  it("leaves numbers, citations and unknown citations as they are", async () => {
    const agent = new HttpAgent({
      url: `${taskloom.url}/ag-ui`,
      threadId: "summarized",
      headers: { authorization: `Bearer ${taskloom.key}` },
    });
    let result: { sources?: RunSource[]; unknown_citations?: number } | undefined;
    let found: number[][] = [];
    const say = (runId: string, content: string) => {
      agent.addMessage({ id: `m_${runId}`, role: "user", content });
      return agent.runAgent(
        { runId },
        {
          onCustomEvent: ({ event }) => {
            if (event.name === "sources") found.push(event.value.sources.map(({ n }: RunSource) => n));
          },
          onRunFinishedEvent: ({ event }) => {
            result = event.result as typeof result;
          },
        },
      );
    };

    let done = say("inv-1", "Look it up.");
    useTool(await model.next(), "c_search", "web_search", { query: "growth", count: 10 });
    useTool(await model.next(), "c_read", "fetch_url", { url: `${site.url}/paragraphs` });
    const read = await model.next();
    read.text("Read.");
    read.finish();
    await done;
    expect(found).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [4]]);

    found = [];
    let summaries = 0;
    done = say("inv-2", `Go on. ${"More and more words. ".repeat(1500)}`);
    let call = await model.next();
    for (; isSummary(call); call = await model.next()) {
      summaries++;
      call.text("Growth was looked up.");
      call.finish();
    }
    expect(summaries).toBeGreaterThan(0);
    expect(contentOf(call)).toContain("<conversation_summary>");
    expect(contentOf(call)).toContain(`[4] ${site.url}/paragraphs `);
    expect(contentOf(call)).not.toContain("https://e.example/1");
    await taskloom.endLife("summarized");
    call = await model.next();
    useTool(call, "c_again", "web_search", { query: "growth again", count: 10 });
    call = await model.next();
    for (const n of Array(10).keys()) expect(contentOf(call)).toContain(`source=\\"[${n + 1}] `);
    expect(contentOf(call)).not.toContain("[11] ");
    const answer = "Read [4], found [2], nowhere [11] [12].";
    call.text(answer);
    call.finish();
    await done;
    // A client that was away while the event came has the numbers from the end of the run.
    for (const numbers of found) expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(result).toMatchObject({
      unknown_citations: 2,
      sources: [
        { n: 2, read: false, cited: true },
        { n: 4, url: `${site.url}/paragraphs`, read: true, cited: true },
      ],
    });
    const client = actOn(taskloom, model);
    expect((await client.readRun("summarized", "inv-2")).sources).toEqual(result?.sources);
    const [, row] = (await client.listMessages("summarized", "assistant")).slice(-2);
    expect(row?.metadata.cites).toEqual(result?.sources);
    expect(agent.messages.at(-1)).toMatchObject({ content: answer });
  });
});
