// Streams of a thread's object. The object frames, numbers and ends them. All routes but AG-UI's pass its bytes
// through.
import { type Failure, problems } from "../protocol/error.ts";
import type { ThreadKey } from "../protocol/thread.ts";
import { writeOpener } from "../thread/stream/ended-keys.ts";
import { callThread } from "../thread/stub.ts";
import type { AppContext } from "./context.ts";
import { Problem } from "./errors.ts";

/** A request for a stream of a thread's object, which cuts the stream once the caller's key no longer holds. */
export function streamRequest(context: AppContext, address: string | URL, init?: RequestInit): Request {
  const url = new URL(address);
  writeOpener(url.searchParams, context.get("caller"), Date.now());
  return new Request(url, init);
}

/** Requests a stream from the object and answers with it. Throws the failure that the object may answer instead. */
export async function answerStream(context: AppContext, key: ThreadKey, makeRequest: () => Request): Promise<Response> {
  return streamResponse(await readStream(await callThread(context.env, key, (stub) => stub.fetch(makeRequest()))));
}

/** Returns the stream that the object answered with, and throws a failure. */
export async function readStream(answer: Response): Promise<ReadableStream<Uint8Array>> {
  if (!answer.ok) throw await readFailure(answer);
  if (answer.body === null) throw new Error("the thread answered without a stream");
  return answer.body;
}

export function streamResponse(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream",
      // Proxies must not cache, compress or buffer what should arrive at once.
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    },
  });
}

/** Whether the client accepts a stream. */
export function wantsStream(context: AppContext): boolean {
  return (context.req.header("accept") ?? "").split(",").some((range) => {
    const [type, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    return type === "text/event-stream" && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

/**
 * Returns the number of the event to continue after. The header wins, because a browser that reconnects sets it, while
 * its address still has the first `after`. Larger numbers than JavaScript can count become the largest that it can.
 */
export function readPosition(context: AppContext, after: string | undefined): number | null {
  const position = context.req.header("last-event-id") || after;
  if (position === undefined) return null;
  if (!/^\d+$/.test(position)) throw new Problem("bad_cursor", "Last-Event-ID and after must be an integer.");
  return Math.min(Number(position), Number.MAX_SAFE_INTEGER);
}

async function readFailure(answer: Response): Promise<Error> {
  const body = (await answer.json().catch(() => null)) as { error?: Failure } | null;
  const code = body?.error?.code;
  if (code && code in problems) return new Problem(code, body?.error?.detail ?? problems[code].title);
  return new Error(`the thread answered ${answer.status}`);
}
