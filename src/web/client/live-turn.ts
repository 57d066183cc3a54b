// A live turn over AG-UI: the person's input goes to `/ag-ui` through AG-UI's own client, and its events are passed on
// unchanged. The client does not expose the events' numbers, so they are read from the bytes that pass through its
// `fetch`. With the last number, a resume after a dropped connection is exact.
import type { BaseEvent, HttpAgent, RunAgentInput } from "@ag-ui/client";
import type { ThreadEvent } from "../../protocol/event.ts";
import { readProblem } from "./api.ts";
import { type Followed, type Heard, type Opening, pause, readResponse } from "./follow.ts";
import { FrameReader } from "./sse.ts";

/** Loaded on first use: it is larger than the rest of the page. */
const load = (): Promise<typeof import("@ag-ui/client")> => import("@ag-ui/client");

/** A chunk that has not arrived by then may never arrive: after a deploy its file is gone. */
const loadMs = 5_000;

/** Loads ahead of time, so that the first message does not wait. */
export function prepareTurns(): void {
  load().catch(() => {});
}

/** Where the client can't be loaded, the input goes over the plain API, and the same events come back. */
export const openTurn: Opening = async (api, followed, heard, signal, after) => {
  // AG-UI has no request for it.
  if (followed.begin?.kind === "again") return readResponse(api, followed, heard, signal, after);
  const client = await Promise.race([load().catch(() => null), pause(loadMs, signal).then(() => null)]);
  if (client === null) return readResponse(api, followed, heard, signal, after);
  const { HttpAgent } = client;
  const numbers: (string | null)[] = [];
  const agent = new HttpAgent({
    url: api.addressOf("/ag-ui"),
    threadId: followed.thread,
    headers: api.credentials,
    fetch: async (url, init) => {
      const response = await fetch(url, { ...init, signal });
      if (!response.ok) throw await readProblem(response);
      heard.onBegun();
      return noteNumbers(response, numbers, heard.onSign);
    },
  });
  await listen(agent, inputOf(followed), (event) => {
    // The client emits an error event for an aborted request, but the run has not failed.
    if (!signal.aborted) heard.onEvent(event as unknown as ThreadEvent, numbers.shift() ?? null);
  });
};

function inputOf({ thread, run, begin }: Followed): RunAgentInput {
  const empty = { messages: [], tools: [], context: [], state: {}, forwardedProps: {} };
  // Without a version, the server leaves out outcomes that clients before 1.0 can't parse.
  const input = { threadId: thread, runId: run, protocolVersion: "1.0", ...empty };
  if (begin?.kind === "message") return { ...input, messages: [{ id: begin.id, role: "user", content: begin.text }] };
  if (begin?.kind !== "answers") return input;
  const resume = begin.answers.map(({ interrupt_id, ...answer }) => ({ interruptId: interrupt_id, ...answer }));
  return { ...input, resume };
}

function listen(agent: HttpAgent, input: RunAgentInput, onEvent: (event: BaseEvent) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    agent.run(input).subscribe({ next: onEvent, error: reject, complete: resolve });
  });
}

/**
 * One number for each event that the client is about to read: both split the same bytes into the same frames. A dropped
 * connection reaches the client as an end of the stream, because otherwise it would throw an error that nobody can
 * catch. A run's end is an event anyway.
 */
function noteNumbers(response: Response, numbers: (string | null)[], onSign: Heard["onSign"]): Response {
  const frames = new FrameReader();
  const reader = response.body?.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = await reader?.read().catch(() => null);
      if (!chunk || chunk.done) {
        controller.close();
        return;
      }
      onSign();
      for (const { id } of frames.read(chunk.value).frames) numbers.push(id);
      controller.enqueue(chunk.value);
    },
    cancel: () => reader?.cancel().catch(() => {}),
  });
  return new Response(body, response);
}
