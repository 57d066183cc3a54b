import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { ThreadEvent } from "../../protocol/event.ts";
import { Api, ApiError } from "./api.ts";
import { type Followed, followRun } from "./follow.ts";
import { openTurn } from "./live-turn.ts";

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

type Answer = (response: ServerResponse) => void;

async function serve(answers: Answer[]): Promise<{ api: Api; requests: (IncomingMessage & { body?: string })[] }> {
  const requests: (IncomingMessage & { body?: string })[] = [];
  const started = createServer((request, response) => {
    requests.push(request);
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      Object.assign(request, { body });
      answers[requests.length - 1]?.(response);
    });
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  return { api: new Api(`http://127.0.0.1:${(started.address() as AddressInfo).port}`, "key"), requests };
}

const frame = (id: number | null, event: object): string =>
  `${id === null ? "" : `id: ${id}\n`}data: ${JSON.stringify(event)}\n\n`;
const startedRun = frame(11, { type: "RUN_STARTED", threadId: "t", runId: "r" });
const step = frame(12, { type: "STEP_STARTED", stepName: "task" });
const resync = frame(null, { type: "STATE_SNAPSHOT", snapshot: {} });
const finishedRun = frame(19, { type: "RUN_FINISHED", threadId: "t", runId: "r", outcome: { type: "success" } });

const answer =
  (end: "end" | "destroy", ...frames: string[]): Answer =>
  (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    // In two pieces that split a frame.
    const text = frames.join("");
    const middle = Math.floor(text.length / 2);
    response.write(text.slice(0, middle), () =>
      response.write(text.slice(middle), () => (end === "end" ? response.end() : response.destroy())),
    );
  };

async function follow(api: Api, begin: Followed["begin"]): Promise<[string, string | null][]> {
  const heard: [string, string | null][] = [];
  const onEvent = (event: ThreadEvent, id: string | null): void => void heard.push([event.type, id]);
  const options = { signal: new AbortController().signal, patienceMs: 5_000, retryMs: 1, opening: openTurn };
  await followRun(api, { thread: "t", run: "r", begin }, { onEvent }, options);
  return heard;
}

const message = { kind: "message", id: "m", text: "hi" } as const;

describe("a live turn", () => {
  it("sends the message over AG-UI, and emits each event with its number", async () => {
    const { api, requests } = await serve([answer("end", startedRun, resync, step, finishedRun)]);
    expect(await follow(api, message)).toEqual([
      ["RUN_STARTED", "11"],
      ["STATE_SNAPSHOT", null],
      ["STEP_STARTED", "12"],
      ["RUN_FINISHED", "19"],
    ]);
    expect(requests[0]).toMatchObject({ method: "POST", url: "/ag-ui" });
    expect(JSON.parse(requests[0]?.body ?? "")).toMatchObject({
      threadId: "t",
      runId: "r",
      protocolVersion: "1.0",
      messages: [{ id: "m", role: "user", content: "hi" }],
    });
  });

  it("sends answers in AG-UI's form", async () => {
    const { api, requests } = await serve([answer("end", startedRun, finishedRun)]);
    const answers = [{ interrupt_id: "i", status: "resolved" as const, payload: "blue" }];
    await follow(api, { kind: "answers", interrupted: "before", answers });
    expect(JSON.parse(requests[0]?.body ?? "")).toMatchObject({
      messages: [],
      resume: [{ interruptId: "i", status: "resolved", payload: "blue" }],
    });
  });

  it("continues a cut stream after its last event, on the run's own stream", async () => {
    const { api, requests } = await serve([answer("destroy", startedRun, step), answer("end", finishedRun)]);
    expect((await follow(api, message)).map(([type]) => type)).toEqual(["RUN_STARTED", "STEP_STARTED", "RUN_FINISHED"]);
    expect(requests[1]).toMatchObject({ method: "GET", url: "/v1/threads/t/runs/r/events" });
    expect(requests[1]?.headers["last-event-id"]).toBe("12");
  });

  it("is sent again under the same ids where no answer arrived", async () => {
    const { api, requests } = await serve([(response) => response.destroy(), answer("end", startedRun, finishedRun)]);
    expect(await follow(api, message)).toHaveLength(2);
    expect(requests[1]?.body).toBe(requests[0]?.body);
  });

  it("reports a refusal with the server's message", async () => {
    const { api } = await serve([
      (response) => response.writeHead(409).end(JSON.stringify({ title: "Answered", code: "interrupt_answered" })),
    ]);
    const error = await follow(api, message).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 409, code: "interrupt_answered", message: "Answered" });
  });
});
