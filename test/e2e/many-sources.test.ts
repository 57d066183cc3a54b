// Runs with as many sources as a run may have, over TCP: however they end, the run, its end and later runs of the thread
// agree on what was found, read and cited.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import type { Run, RunSource } from "../../src/protocol/run.ts";
import { type SearchServer, startSearchServer } from "../contract/search/server.ts";
import { searxng } from "../contract/search/strict/searxng.ts";
import { type HostileSite, startHostileSite } from "../fakes/hostile-site.ts";
import { type MortalTaskloom, startMortalTaskloom } from "./mortal-server.ts";
import { type ModelCall, type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import { actOn, type RunsActor, userTexts, useTool } from "./runs-client.ts";
import { checkFrames, openReader } from "./stream-reader.ts";

const SEARCHES = 10;
const PAGES = 10;
/** A range names twenty sources at most. */
const ALL = "All of it [1-20, 21-40, 41-60, 61-80, 81-100].";

let [model, search, site, taskloom]: [PuppetModel, SearchServer, HostileSite, MortalTaskloom] = [] as never;
let client: RunsActor;

beforeAll(async () => {
  [model, search, site] = await Promise.all([startPuppetModel(), startSearchServer(searxng), startHostileSite()]);
  taskloom = await startMortalTaskloom({
    ...{ OPENAI_BASE_URL: model.baseUrl, MODEL_IDLE_SECONDS: "2" },
    ...{ SEARXNG_URL: search.url, WEB_PRIVATE_ORIGINS: site.url },
  });
  client = actOn(taskloom, model);
  search.trouble = (asked) => ({ kind: "body", body: searxng.answer(pagesOf(asked.fields.get("q") ?? ""), asked) });
});
afterAll(async () => {
  await taskloom?.close();
  await Promise.all([model?.close(), search?.close(), site?.close()]);
});
beforeEach(() => {
  site.asked.length = 0;
  search.asked.length = 0;
});

/** `long` in a query makes addresses and titles as long as they may be. */
function pagesOf(query: string) {
  const more = query.includes("long") ? "x".repeat(900) : "";
  return Array.from({ length: PAGES }, (_, at) => ({
    url: `https://e.example/${encodeURIComponent(query)}/${at}/${more}`,
    title: `${query} ${at} ${"标题".repeat(more === "" ? 1 : 140)}`,
    passage: "It grew by 12 %.",
  }));
}

const searchFor = (call: ModelCall, queries: string[]): void => {
  for (const [at, query] of queries.entries())
    call.call(at, `s_${query}`, "web_search", JSON.stringify({ query, count: PAGES }));
  call.finish("tool_calls");
};

/** Starts a run that finds a hundred pages. Returns the call behind that. */
async function findMany(thread: string, invocation_id: string, own: object = {}): Promise<ModelCall> {
  await client.post(`${thread}/runs`, { message: "Look it up.", invocation_id, ...own });
  searchFor(
    await model.next(),
    Array.from({ length: SEARCHES }, (_, at) => `query ${at}`),
  );
  return await model.next();
}

const numbers = (sources: RunSource[] = []) => sources.map(({ n }) => n);
const hundred = Array.from({ length: 100 }, (_, at) => at + 1);

/** What a later run of the thread makes of the numbers: the old ones are known, a new page gets the next. */
async function goOn(thread: string): Promise<void> {
  const id = `${thread}-later`;
  await client.post(`${thread}/runs`, { message: "And then?", invocation_id: id });
  searchFor(await model.next(), ["query 3", "another"]);
  const call = await model.next();
  const found = call.messages
    .slice(-2)
    .map(({ content }) => [...String(content).matchAll(/source="\[(\d+)\]/g)].map(([, n]) => Number(n)));
  expect(found[1]).toEqual(hundred.slice(0, PAGES).map((n) => n + 100));
  expect(Math.max(...(found[0] ?? []))).toBeLessThanOrEqual(100);
  call.text("Known [7], new [101], none [111] [400].");
  call.finish();
  const end = (await client.eventsOf(thread, id)).at(-1);
  expect(end).toMatchObject({
    type: "RUN_FINISHED",
    result: { unknown_citations: 2, sources: [{ n: 7 }, { n: 101 }] },
  });
  expect(await client.readRun(thread, id)).toMatchObject({ sources: [{ n: 7, cited: true }, { n: 101 }] });
}

function expectHundred(run: Run): void {
  expect(numbers(run.sources)).toEqual(hundred);
  expect(new Set(run.sources?.map(({ cited, read }) => `${cited} ${read}`))).toEqual(new Set(["true false"]));
}

const ofResult = (events: ThreadEvent[]) =>
  events.flatMap((event) => (event.type === "CUSTOM" && event.name === "sources" ? event.value.sources : []));

describe("a run with a hundred sources", () => {
  it("keeps them when it asks, across a life, and its answer cites them by the same numbers", async () => {
    const call = await findMany("asks", "inv-1");
    call.text(ALL);
    useTool(call, "c_ask", "ask", { question: "Which?" });
    const events = await client.eventsOf("asks", "inv-1");
    expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", outcome: { type: "interrupt" } });
    expect(ofResult(events)).toHaveLength(100);
    const asked = await client.readRun("asks", "inv-1");
    expectHundred(asked);
    await taskloom.endLife("asks");
    const resume = [{ interrupt_id: asked.interrupts[0]?.id, status: "resolved", payload: "The fifth." }];
    await client.post("asks/runs/inv-1/resume", { resume, invocation_id: "inv-2" });
    const answered = await model.next();
    answered.text("So [5] [100] [101].");
    answered.finish();
    expect((await client.eventsOf("asks", "inv-2")).at(-1)).toMatchObject({
      result: { unknown_citations: 1, sources: [{ n: 5, cited: true, read: false }, { n: 100 }] },
    });
    expectHundred(await client.readRun("asks", "inv-1"));
    await goOn("asks");
  });

  it("keeps them when it is cancelled during its answer", async () => {
    const call = await findMany("cancelled", "inv-1");
    const reader = await openReader(taskloom, "/v1/threads/cancelled/runs/inv-1/events");
    call.text(ALL);
    await reader.until(({ event }) => event.type === "TEXT_MESSAGE_CONTENT");
    const { body } = await client.post("cancelled/runs/inv-1/cancel");
    expectHundred(body);
    expect(await reader.ended).toBe("closed");
    expect(reader.frames.at(-1)?.event).toMatchObject({ type: "RUN_FINISHED", outcome: { type: "cancelled" } });
    expectHundred(await client.readRun("cancelled", "inv-1"));
    model.forget();
    await goOn("cancelled");
  });

  it("keeps them when it fails, whether the model refuses, is silent or has no step left", async () => {
    const refuses = await findMany("refused", "inv-1");
    refuses.text(ALL);
    useTool(refuses, "c_v", "view_tasks", {});
    (await model.next()).refuse(401);
    expect((await client.eventsOf("refused", "inv-1")).at(-1)).toMatchObject({
      type: "RUN_ERROR",
      code: "model_error",
    });

    const last = await findMany("steps", "inv-1", { max_steps: 2 });
    last.text(ALL);
    useTool(last, "c_v", "view_tasks", {});
    expect((await client.eventsOf("steps", "inv-1")).at(-1)).toMatchObject({ type: "RUN_ERROR", code: "max_steps" });

    const before = await findMany("silent", "inv-1");
    before.text(ALL);
    useTool(before, "c_v", "view_tasks", {});
    for (let attempt = 0; attempt < 5; attempt++) (await model.next()).text("It is [9");
    expect((await client.eventsOf("silent", "inv-1")).at(-1)).toMatchObject({
      type: "RUN_ERROR",
      code: "model_timeout",
    });

    for (const thread of ["refused", "steps", "silent"]) {
      const run = await client.readRun(thread, "inv-1");
      expect(run.status).toBe("failed");
      expectHundred(run);
      await goOn(thread);
    }
  });

  it("is the same run when it is requested again, and pays for nothing twice", async () => {
    const body = { message: "Look it up." };
    const key = { "idempotency-key": "inv-1" };
    const call = await findMany("again", "inv-1");
    expect((await client.post("again/runs", body, key)).body).toMatchObject({ status: "running" });
    call.text(ALL);
    call.finish();
    const events = await client.eventsOf("again", "inv-1");
    const again = await client.post("again/runs", body, key);
    expect(again.status).toBe(202);
    expectHundred(again.body);
    expectHundred((await client.post("again/runs?wait=1", body, key)).body);
    expect((await client.eventsOf("again", "inv-1")).at(-1)).toEqual(events.at(-1));
    expect(search.asked).toHaveLength(SEARCHES);
    expect(await client.post("again/runs", { message: "Other." }, key)).toMatchObject({ status: 409 });
  });

  it("sends AG-UI's events, each within bounds, and a list of runs leaves them out", async () => {
    const messages = [{ id: "m1", role: "user", content: "Look it up." }];
    const body = { threadId: "long", runId: "inv-1", messages, tools: [], context: [], state: {}, forwardedProps: {} };
    const reader = await openReader(taskloom, "/ag-ui", { method: "POST", body });
    searchFor(
      await model.next(),
      Array.from({ length: SEARCHES }, (_, at) => `long ${at}`),
    );
    const call = await model.next();
    call.text(ALL);
    call.finish();
    expect(await reader.ended).toBe("closed");
    checkFrames(reader.frames);
    expect(ofResult(reader.frames.map(({ event }) => event))).toHaveLength(100);
    for (const { event } of reader.frames) expect(JSON.stringify(event).length).toBeLessThan(60_000);
    const { sources = [], ...listed } = await client.readRun("long", "inv-1");
    expect(reader.frames.at(-1)?.event).toMatchObject({ type: "RUN_FINISHED", result: { sources } });
    expect(sources.length).toBeGreaterThan(20);
    expect(await client.listRuns("long")).toEqual([listed]);
  });
});

describe("a run that reads a page", () => {
  const read = (call: ModelCall, path: string, id = "c_read") =>
    useTool(call, id, "fetch_url", { url: path.startsWith("http") ? path : site.url + path });
  const paths = () => site.asked.map(({ path }) => path);
  const start = (thread: string, message: string) => client.post(`${thread}/runs`, { message, invocation_id: "inv-1" });
  const lastResult = ({ messages }: ModelCall) => String(messages.findLast(({ role }) => role === "tool")?.content);

  it("takes a message sent during it behind its result, and may read what that names", async () => {
    await start("steered", `Read ${site.url}/silent-once`);
    read(await model.next(), "/silent-once");
    await expect.poll(paths).toEqual(["/silent-once"]);
    const other = `${site.url}/json?of=a-person`;
    await client.post("steered/runs", { message: `Rather ${other}`, on_busy: "steer", invocation_id: "inv-2" });
    await taskloom.endLife("steered");
    const watched = client.eventsOf("steered", "inv-1");
    const next = await model.next();
    expect(lastResult(next)).toContain("At last.");
    expect(userTexts(next)).toEqual([`Read ${site.url}/silent-once`, `Rather ${other}`]);
    read(next, other, "c_other");
    const last = await model.next();
    expect(lastResult(last)).toContain("[1,2]");
    last.text("Both [1] [2].");
    last.finish();
    expect((await watched).at(-1)).toMatchObject({
      result: {
        sources: [
          { n: 1, read: true },
          { n: 2, url: other },
        ],
      },
    });
    expect(paths()).toEqual(["/silent-once", "/silent-once", "/json"]);
  });

  it("at a host that another thread reads waits for its turn, which a cancel of the other gives it at once", async () => {
    await start("holds", `Read ${site.url}/drip`);
    read(await model.next(), "/drip");
    await expect.poll(paths).toEqual(["/drip"]);
    for (const thread of ["waits", "leaves"]) {
      await start(thread, `Read ${site.url}/json?of=${thread}`);
      read(await model.next(), `/json?of=${thread}`);
      await (await openReader(taskloom, `/v1/threads/${thread}/runs/inv-1/events`)).until(
        ({ event }) => event.type === "TOOL_CALL_END",
      );
    }
    const began = performance.now();
    expect((await client.post("leaves/runs/inv-1/cancel")).body.status).toBe("cancelled");
    expect(paths()).toEqual(["/drip"]);
    expect((await client.post("holds/runs/inv-1/cancel")).body.status).toBe("cancelled");
    const call = await model.next();
    expect(lastResult(call)).toContain("[1,2]");
    expect(performance.now() - began).toBeLessThan(8_000);
    call.text("Read [1].");
    call.finish();
    await client.eventsOf("waits", "inv-1");
    expect(paths()).toEqual(["/drip", "/json"]);
    for (const [thread, n] of [
      ["waits", 1],
      ["leaves", 0],
      ["holds", 0],
    ] as const)
      expect((await client.readRun(thread, "inv-1")).sources ?? []).toHaveLength(n);
    await expect.poll(() => site.open()).toBe(0);
  });
});
