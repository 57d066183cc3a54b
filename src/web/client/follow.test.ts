import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { ThreadEvent } from "../../protocol/event.ts";
import { Api, ApiError } from "./api.ts";
import { followRun } from "./follow.ts";

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers the first request with the first answer, and so on; the last answer repeats. */
async function serve(answers: Answer[]): Promise<{ api: Api; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const started = createServer((request, response) => {
    requests.push(request);
    request.resume();
    const answer = answers[Math.min(requests.length, answers.length) - 1];
    answer?.(request, response);
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  return { api: new Api(`http://127.0.0.1:${(started.address() as AddressInfo).port}/`, "key"), requests };
}

function frame(id: number, event: object): string {
  return `id: ${id}\ndata: ${JSON.stringify(event)}\n\n`;
}

const startedRun = frame(1, { type: "RUN_STARTED", threadId: "t", runId: "r" });
const step = frame(2, { type: "STEP_STARTED", stepName: "task" });
const finishedRun = frame(3, { type: "RUN_FINISHED", threadId: "t", runId: "r", outcome: { type: "success" } });
const begin = { thread: "t", run: "r", begin: { kind: "message" as const, id: "m", text: "hi" } };
const options = { signal: new AbortController().signal, patienceMs: 5_000, retryMs: 1 };

function send(...frames: string[]): Answer {
  return (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(frames.join(""));
  };
}

function cut(...frames: string[]): Answer {
  return (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(frames.join(""), () => response.destroy());
  };
}

async function follow(api: Api): Promise<{ types: string[]; connections: boolean[] }> {
  const types: string[] = [];
  const connections: boolean[] = [];
  const onEvent = (event: ThreadEvent): void => void types.push(event.type);
  await followRun(api, begin, { onEvent, onConnection: (up) => void connections.push(up) }, options);
  return { types, connections };
}

describe("followRun", () => {
  it("starts the run and reads it to its end", async () => {
    const { api, requests } = await serve([send(startedRun, step, finishedRun)]);
    expect(await follow(api)).toEqual({ types: ["RUN_STARTED", "STEP_STARTED", "RUN_FINISHED"], connections: [] });
    expect(requests[0]).toMatchObject({ method: "POST", url: "/v1/threads/t/runs" });
    expect(requests[0]?.headers).toMatchObject({ authorization: "Bearer key", accept: "text/event-stream" });
  });

  it("resumes after the last event when the connection is cut", async () => {
    const { api, requests } = await serve([cut(startedRun, step), send(finishedRun)]);
    const { types, connections } = await follow(api);
    expect(types).toEqual(["RUN_STARTED", "STEP_STARTED", "RUN_FINISHED"]);
    expect(connections).toEqual([false, true]);
    expect(requests[1]).toMatchObject({ method: "GET", url: "/v1/threads/t/runs/r/events" });
    expect(requests[1]?.headers["last-event-id"]).toBe("2");
  });

  it("resumes a stream that was closed before its end", async () => {
    const { api, requests } = await serve([send(startedRun), send(step, finishedRun)]);
    expect((await follow(api)).types).toHaveLength(3);
    expect(requests[1]?.headers["last-event-id"]).toBe("1");
  });

  it("sends the start again, under the same id, where no answer arrived", async () => {
    const { api, requests } = await serve([
      (_request, response) => response.destroy(),
      (_request, response) => response.writeHead(503).end(),
      send(startedRun, finishedRun),
    ]);
    expect((await follow(api)).types).toHaveLength(2);
    expect(requests.map(({ method }) => method)).toEqual(["POST", "POST", "POST"]);
  });

  it("gives up at once on a refusal, with the server's message", async () => {
    const { api, requests } = await serve([
      (_request, response) => {
        const problem = { title: "Unauthorized", detail: "no such key", code: "unauthorized" };
        response.writeHead(401, { "content-type": "application/problem+json" }).end(JSON.stringify(problem));
      },
    ]);
    const error = await follow(api).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 401, code: "unauthorized", message: "Unauthorized: no such key" });
    expect(requests).toHaveLength(1);
  });

  it("gives up at once on a malformed stream", async () => {
    const { api, requests } = await serve([send("id: 1\ndata: {nonsense\n\n")]);
    await expect(follow(api)).rejects.toThrow();
    expect(requests).toHaveLength(1);
  });

  it.each([
    [429, "quota_exceeded"],
    [503, "unavailable"],
  ])("waits as long as the server asks, says so, and has patience for that: %i", async (status, code) => {
    const asked: number[] = [];
    const { api } = await serve([
      (_request, response) => {
        const problem = { title: "Full", detail: "You have started too many.", code };
        response.writeHead(status, { "retry-after": "1" }).end(JSON.stringify(problem));
      },
      (request, response) => {
        asked.push(Date.now());
        send(startedRun, finishedRun)(request, response);
      },
    ]);
    const waits: ApiError[] = [];
    const connections: boolean[] = [];
    const onConnection = (up: boolean) => void connections.push(up);
    const follower = { onEvent: () => {}, onConnection, onWait: (error: ApiError) => void waits.push(error) };
    await followRun(api, begin, follower, { ...options, patienceMs: 500 });
    expect(waits).toMatchObject([{ message: "Full: You have started too many.", code }]);
    // A timer may be some milliseconds early.
    expect(asked[0]).toBeGreaterThan((waits[0]?.retryAt ?? Number.NaN) - 50);
    expect(connections).toEqual([true]);
  });

  it("gives up when its patience ends", async () => {
    const { api } = await serve([(_request, response) => response.writeHead(502).end()]);
    const run = followRun(api, begin, { onEvent: () => {} }, { ...options, patienceMs: 0 });
    await expect(run).rejects.toThrow("HTTP 502");
  });

  it("stops when its signal is aborted", async () => {
    const controller = new AbortController();
    const { api } = await serve([
      (_request, response) => {
        response.writeHead(200);
        response.write(startedRun);
      },
    ]);
    const onEvent = (): void => controller.abort(new Error("enough"));
    const run = followRun(api, begin, { onEvent }, { ...options, signal: controller.signal });
    await expect(run).rejects.toThrow("enough");
  });
});
