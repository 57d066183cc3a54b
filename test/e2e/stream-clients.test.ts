// Parsers of event streams as clients have them, unmodified and over TCP, all on one run: each gets every event and
// nothing else, over a pause with a ping, and none starts the run again.
import { HttpAgent } from "@ag-ui/client";
import { fetchEventSource } from "@microsoft/fetch-event-source";
import { HttpAgent as OlderHttpAgent } from "ag-ui-client-059";
import { EventSourceParserStream } from "eventsource-parser/stream";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import { collectFrames } from "./harness.ts";
import { type RunsClient, startRunsClient } from "./runs-client.ts";
import { openReader } from "./stream-reader.ts";

const THREAD = "clients-thread";
const RUN = "inv-clients";

let client: RunsClient;

beforeAll(async () => {
  client = await startRunsClient();
});
afterEach(() => vi.unstubAllGlobals());
afterAll(() => client.close());

const headersOf = () => ({ authorization: `Bearer ${client.taskloom.key}`, "content-type": "application/json" });

/** Starts the run. The requests that it made, and what its handler received. */
async function readWithFetchEventSource(): Promise<{ requests: number; events: ThreadEvent[] }> {
  // What the library asks of a browser.
  vi.stubGlobal("window", { setTimeout, clearTimeout });
  vi.stubGlobal("document", { addEventListener: () => {}, removeEventListener: () => {}, hidden: false });
  const read = { requests: 0, events: [] as ThreadEvent[] };
  await fetchEventSource(`${client.taskloom.url}/v1/threads/${THREAD}/runs`, {
    method: "POST",
    headers: headersOf(),
    body: JSON.stringify({ message: "hello", message_id: "m-1", invocation_id: RUN }),
    fetch: (...request) => {
      read.requests += 1;
      return fetch(...request);
    },
    // As most handlers do, it throws at what is not JSON. The library then sends the request again.
    onmessage: ({ data }) => void read.events.push(JSON.parse(data) as ThreadEvent),
  });
  return read;
}

const watch = () => fetch(`${client.taskloom.url}/v1/threads/${THREAD}/runs/${RUN}/events`, { headers: headersOf() });

async function readWithParser(): Promise<ThreadEvent[]> {
  const { body } = await watch();
  const events: ThreadEvent[] = [];
  const messages = body?.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  for await (const { data } of messages ?? []) events.push(JSON.parse(data) as ThreadEvent);
  return events;
}

/** What an unmodified `HttpAgent` that attaches to the run hears of its text. */
async function readWithAgent(Agent: typeof HttpAgent | typeof OlderHttpAgent): Promise<string> {
  const agent = new Agent({ url: `${client.taskloom.url}/ag-ui`, threadId: THREAD, headers: headersOf() });
  let text = "";
  const subscriber = {
    onTextMessageContentEvent: ({ event }: { event: { delta: string } }) => {
      text += event.delta;
    },
  };
  // The older client refuses what belongs to a version that it does not ask for, after the text.
  await agent.runAgent({ runId: RUN }, subscriber).catch(() => {});
  return text;
}

/** Deltas of one text may come in one event or several. */
function shapeOf(events: ThreadEvent[]): unknown[] {
  const seen: { type: string; delta?: string }[] = [];
  for (const event of events) {
    const last = seen.at(-1);
    const delta = "delta" in event && typeof event.delta === "string" ? event.delta : undefined;
    if (last?.delta !== undefined && last.type === event.type) last.delta += delta ?? "";
    else if (event.type !== "CUSTOM") seen.push({ type: event.type, ...(delta === undefined ? {} : { delta }) });
  }
  return seen;
}

it("gives each client's parser all events of a run and nothing else, and is one run", async () => {
  const starting = readWithFetchEventSource();
  const call = await client.model.next();
  const strict = await openReader(client.taskloom, `/v1/threads/${THREAD}/runs/${RUN}/events`);
  const parsed = readWithParser();
  const read = watch().then(collectFrames);
  const agents = Promise.all([readWithAgent(HttpAgent), readWithAgent(OlderHttpAgent)]);
  call.text("你");
  await strict.untilText((text) => text.includes(": ping\n"));
  call.text("好");
  call.finish();
  expect(await strict.ended).toBe("closed");
  const whole = shapeOf(strict.frames.map(({ event }) => event));
  const { requests, events } = await starting;
  expect(shapeOf(events)).toEqual(whole);
  expect(requests).toBe(1);
  expect(shapeOf(await parsed)).toEqual(whole);
  expect(shapeOf((await read).map(({ event }) => event))).toEqual(whole);
  expect(await agents).toEqual(["你好", "你好"]);
  expect(await client.listRuns(THREAD)).toMatchObject([{ invocation_id: RUN, status: "completed" }]);
});
