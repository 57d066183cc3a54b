// A browser's own `EventSource`, which has no headers: a ticket opens a stream once, and lets it reconnect by itself.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser, openBrowser } from "../setup/browser.ts";
import { type CuttableProxy, startCuttableProxy } from "../setup/cuttable-proxy.ts";
import { type RunsClient, startRunsClient } from "./runs-client.ts";
import { openReader } from "./stream-reader.ts";

let client: RunsClient;

beforeAll(async () => {
  client = await startRunsClient();
});
afterAll(() => client.close());

interface Ticket {
  url: string;
  expires_at: string;
}

async function ask(path: string, key = client.taskloom.key): Promise<string> {
  const response = await fetch(`${client.taskloom.url}/v1/threads/${path}/events/ticket`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
  });
  expect(response.status).toBe(201);
  return ((await response.json()) as Ticket).url;
}

/** The path of a ticket, for a reader without a key. */
const open = (url: string, after: number | null = null) => {
  const { origin, pathname, search } = new URL(url);
  return openReader({ url: origin, key: "none" }, pathname + search, { after });
};

async function statusOf(url: string, headers: Record<string, string> = {}, method = "GET"): Promise<number> {
  const response = await fetch(url, { method, headers });
  await response.body?.cancel();
  return response.status;
}

async function finish(thread: string, run: string): Promise<void> {
  await client.post(`${thread}/runs`, { message: "hello", invocation_id: run });
  await client.say("hi");
  await client.eventsOf(thread, run);
}

describe("a ticket for a stream", () => {
  it("opens it once, and again for whoever names an event, from whom it takes over", async () => {
    await client.post("tick/runs", { message: "hello", invocation_id: "inv-1" });
    const call = await client.model.next();
    const url = await ask("tick/runs/inv-1");
    // A look does not use it up.
    expect(await statusOf(url, {}, "HEAD")).toBe(422);
    const first = await open(url);
    call.text("one");
    await first.until(({ event }) => event.type === "TEXT_MESSAGE_CONTENT");
    expect(await statusOf(url)).toBe(401);
    const second = await open(url, first.lastId);
    expect(await first.ended).toBe("broken");
    call.text("two");
    call.finish();
    expect(await second.ended).toBe("closed");
    const whole = [...first.frames, ...second.frames].map(({ event }) => event.type);
    expect(whole.filter((type) => type === "RUN_STARTED" || type === "RUN_FINISHED")).toHaveLength(2);
    expect(await statusOf(url, { "last-event-id": String(second.lastId) })).toBe(204);
  });

  it("is for that stream alone, and opens nothing for an unknown one, another purpose or an ended key", async () => {
    await finish("tick-own", "inv-1");
    const body = { name: "watcher", scopes: ["read"] };
    const made = await client.taskloom.json<{ key: string; key_id: string }>("POST", "/v1/api-keys", body);
    const [unused, opened, other] = [
      await ask("tick-own", made.key),
      await ask("tick-own/runs/inv-1", made.key),
      await ask("tick-own", made.key),
    ];
    expect(await statusOf(other.replace("/v1/events", "/v1/download"))).toBeGreaterThanOrEqual(400);
    const reader = await open(opened);
    await reader.ended;
    const back = { "last-event-id": String(reader.frames[0]?.id) };
    expect(await statusOf(opened, back)).toBe(200);
    expect(await statusOf(`${client.taskloom.url}/v1/events?ticket=${"0".repeat(64)}`, back)).toBe(401);
    await client.taskloom.request("DELETE", `/v1/api-keys/${made.key_id}`);
    expect([await statusOf(unused), await statusOf(opened, back)]).toEqual([401, 401]);
  });

  it("is not given for a thread or run that does not exist", async () => {
    await finish("tick-known", "inv-1");
    for (const path of ["tick-unknown", "tick-unknown/runs/inv-1", "tick-known/runs/inv-2"]) {
      const answer = await client.taskloom.request("POST", `/v1/threads/${path}/events/ticket`);
      expect([path, answer.status]).toEqual([path, 404]);
    }
  });

  it("begins with an id where nothing has happened yet, so that it can be opened again", async () => {
    await client.taskloom.json("POST", "/v1/threads", { thread_id: "tick-empty" });
    const url = await ask("tick-empty");
    const reader = await open(url);
    const first = await reader.until(({ id }) => id !== null);
    expect([first.id, first.event.type]).toEqual([0, "STATE_SNAPSHOT"]);
    reader.leave();
    const back = await open(url, 0);
    await back.untilText((text) => text.includes("retry: "));
    back.leave();
  });
});

describe.runIf(hasBrowser)("EventSource of a browser", () => {
  let browser: Browser;
  let proxy: CuttableProxy;
  beforeAll(async () => {
    browser = await openBrowser();
    proxy = await startCuttableProxy(Number(new URL(client.taskloom.url).port));
  });
  afterAll(async () => {
    await browser.close();
    await proxy.close();
  });

  it("has every event of a run once, over a lost connection, and stops after the end", async () => {
    await client.post("browser/runs", { message: "hello", invocation_id: "inv-1" });
    const call = await client.model.next();
    const { pathname, search } = new URL(await ask("browser/runs/inv-1"));
    const page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    const requests: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(`${proxy.url}/healthz`);
    const address = JSON.stringify(pathname + search);
    await page.evaluate(`
      var seen = { events: [], source: new EventSource(${address}) };
      seen.source.onmessage = ({ data }) => seen.events.push(JSON.parse(data));
    `);
    const read = () =>
      page.evaluate<{ events: { type: string; delta?: string }[]; state: number }>(
        "({ events: seen.events, state: seen.source.readyState })",
      );
    const textOf = async () =>
      (await read()).events.map(({ type, delta }) => (type.startsWith("TEXT") ? delta : "")).join("");
    call.text("one ");
    await expect.poll(textOf).toBe("one ");
    proxy.cut();
    proxy.mend();
    call.text("two");
    await expect.poll(textOf).toBe("one two");
    call.finish();
    // `EventSource.CLOSED`
    await expect.poll(async () => (await read()).state).toBe(2);
    const { events } = await read();
    expect(events.map(({ type }) => type).filter((type) => /^RUN_/.test(type))).toEqual([
      "RUN_STARTED",
      "RUN_FINISHED",
    ]);
    // The first, one after the cut, and one after the end, which got 204.
    expect(requests.filter((url) => url.includes("/v1/events"))).toHaveLength(3);
  });
});
