import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { readConfig } from "../../src/config.ts";
import { createTools } from "../../src/tools/index.ts";
import { resultsOf } from "../../test/fakes/answered-thread.ts";
import { call, say } from "../../test/fakes/replies.ts";
import { noSettings } from "../../test/fakes/settings.ts";
import { FakeClock, settle } from "../../test/fakes/stream.ts";
import { FakeThread, type FakeThreadOptions } from "../../test/fakes/thread.ts";
import { createWeatherTools, readWeatherSettings } from "./weather.ts";

const KEY = "weather-key-of-the-tests";
const servers: Server[] = [];

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(() => {
  vi.restoreAllMocks();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A thread of a server with this setting, whose model asks for the weather in Oslo. */
function makeThread(url: string, options: FakeThreadOptions = {}): FakeThread {
  const settings = readWeatherSettings({ WEATHER_API_KEY: KEY, WEATHER_API_URL: url });
  const tools = [...createTools(noSettings), ...createWeatherTools(settings)];
  const replies = [call({ id: "c1", name: "get_weather", input: { location: "Oslo" } }), say("It is cold.")];
  return new FakeThread({ tools, replies, ...options });
}

/** Everything that a run stores or sends: rows, events, requests to the model, D1, the log. */
async function runAndCollect(thread: FakeThread): Promise<string> {
  const log: unknown[] = [];
  for (const level of ["log", "warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((line) => void log.push(line));
  }
  const { events } = await thread.run("What is the weather in Oslo?");
  return JSON.stringify([events, thread.requests, thread.batches, resultsOf(thread), log]);
}

describe("the weather tool", () => {
  it("exists only if its key is set", () => {
    expect(createWeatherTools(readWeatherSettings({ WEATHER_API_URL: "http://127.0.0.1:1" }))).toEqual([]);
    const [tool] = createWeatherTools(readWeatherSettings({ WEATHER_API_KEY: KEY }));
    expect(createTools(readConfig({} as never)).map(({ name }) => name)).not.toContain(tool?.name);
  });

  it("calls the service with its key, and the key appears nowhere else", async () => {
    const requests: IncomingMessage[] = [];
    const url = await serve((request, response) => {
      requests.push(request);
      response.end(JSON.stringify({ temperature: -3, conditions: `snow for ${KEY}`, more: KEY }));
    });
    const thread = makeThread(`${url}/v1`);
    const said = await runAndCollect(thread);
    expect(requests.map((request) => [request.url, request.headers.authorization])).toEqual([
      ["/v1/current?city=Oslo&unit=celsius", `Bearer ${KEY}`],
    ]);
    expect(resultsOf(thread)).toEqual({ c1: "Oslo: -3 degrees celsius, snow for …" });
    expect(said).not.toContain(KEY);
  });

  it.each<[string, RequestListener, string]>([
    ["refuses", (_request, response) => void response.writeHead(401).end(KEY), "The weather service answered 401."],
    [
      "sends it elsewhere",
      (_request, response) => void response.writeHead(302, { location: "/elsewhere" }).end(),
      "The weather service answered 302.",
    ],
    ["answers with no JSON", (_request, response) => void response.end("<html>"), "can't be read."],
    ["breaks off", (request) => void request.socket.destroy(), "was not reached"],
  ])("says so if the service %s, and the key appears nowhere", async (_what, answer, words) => {
    const paths: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      paths.push(request.url);
      answer(request, response);
    });
    const thread = makeThread(url);
    const said = await runAndCollect(thread);
    expect(resultsOf(thread).c1).toContain(words);
    expect(paths).toEqual(["/current?city=Oslo&unit=celsius"]);
    expect(said).not.toContain(KEY);
  });

  it("stops reading an answer that never ends", async () => {
    const closed = Promise.withResolvers<void>();
    const url = await serve((_request, response) => {
      response.on("close", () => closed.resolve());
      response.on("drain", () => response.write("x".repeat(64 * 1024)));
      response.write("x".repeat(64 * 1024));
    });
    const thread = makeThread(url);
    await thread.run("What is the weather in Oslo?");
    await closed.promise;
    expect(resultsOf(thread).c1).toContain("can't be read");
  });

  it("closes the request at its time limit", async () => {
    const asked = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    const url = await serve((_request, response) => {
      response.on("close", () => closed.resolve());
      asked.resolve();
    });
    const clock = new FakeClock();
    const thread = makeThread(url, { clock });
    await thread.accept("What is the weather in Oslo?");
    await asked.promise;
    clock.advance(10_000);
    await closed.promise;
    await settle();
    expect(resultsOf(thread).c1).toMatch(/^get_weather was stopped at its time limit of 10 s\./);
  });
});
