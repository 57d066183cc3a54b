// Streams of a thread's object. The object frames, numbers and ends them. All routes but AG-UI's pass its bytes
// through.
import { type Failure, problems } from "../protocol/error.ts";
import type { ThreadKey } from "../protocol/thread.ts";
import { writeOpener } from "../thread/stream/ended-keys.ts";
import { STREAM_HEADER } from "../thread/stream/stream-response.ts";
import { watchHere } from "../thread/stream/streams-here.ts";
import { callThread, threadStub } from "../thread/stub.ts";
import type { AppContext } from "./context.ts";
import { Problem, problemOf } from "./errors.ts";
import { namesType } from "./paths/accept.ts";
import { openOne } from "./quotas/quotas.ts";

/** A request for a stream of a thread's object, which cuts the stream once the caller's key no longer holds. */
export function streamRequest(context: AppContext, address: string | URL, init?: RequestInit): Request {
  const url = new URL(address);
  writeOpener(url.searchParams, context.get("caller"), Date.now());
  return new Request(url, init);
}

/**
 * Requests a stream from the object and answers with it, or with 204 if the object says that the client has everything:
 * a browser's `EventSource` reconnects after any other end. Throws the failure that the object may answer instead.
 */
export async function answerStream(context: AppContext, key: ThreadKey, makeRequest: () => Request): Promise<Response> {
  const close = countOpen(context, "streams");
  try {
    const answer = await callThread(context.env, key, (stub) => stub.fetch(makeRequest()));
    if (answer.status === 204) return answerNothing(close);
    const body = await readStream(answer);
    const name = answer.headers.get(STREAM_HEADER);
    if (name === null) return pipe(context, body, close);
    // Where nothing reads along, the runtime passes the bytes on without two buffers of 64 KiB and a stream between. So
    // the object says when it is over.
    if (!watchHere(key, name, close)) {
      const over = threadStub(context.env, key).waitForStream(key, name);
      context.executionCtx.waitUntil(over.then(close, close));
    }
    return streamResponse(body);
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * Counts something of the caller's that is open, no longer than `lives_ms`. Throws if there is too much of it. Returns
 * what closes it.
 */
export function countOpen(context: AppContext, name: "streams" | "transfers", lives_ms?: number): () => void {
  const opened = openOne(context.env, context.get("caller"), name, lives_ms);
  if ("refusal" in opened) throw problemOf(opened.refusal);
  return opened.close;
}

type Source = { pipeTo(destination: WritableStream<Uint8Array>, options: { signal: AbortSignal }): Promise<void> };

/** Answers with a stream, which counts as open until it has ended or the client is gone; with 204 if there is none. */
export async function holdStream(context: AppContext, open: () => Promise<Source | null>): Promise<Response> {
  const close = countOpen(context, "streams");
  try {
    const stream = await open();
    return stream === null ? answerNothing(close) : pipe(context, stream, close);
  } catch (error) {
    close();
    throw error;
  }
}

function answerNothing(close: () => void): Response {
  close();
  return new Response(null, { status: 204, headers: { "cache-control": "no-store" } });
}

/** `close` is called once the stream has ended. */
function pipe(context: AppContext, source: Source, close: () => void): Response {
  const { readable, writable } = new IdentityTransformStream();
  // A client that leaves is known before a write to it fails, and so to the object, whose stream ends with this.
  const { signal } = context.req.raw;
  const passed = source.pipeTo(writable, { signal }).catch(() => undefined);
  context.executionCtx.waitUntil(passed.finally(close));
  return streamResponse(readable);
}

/** Returns the stream that the object answered with, and throws a failure. */
export async function readStream(answer: Response): Promise<ReadableStream<Uint8Array>> {
  if (!answer.ok) throw await readFailure(answer);
  if (answer.body === null) throw new Error("the thread answered without a stream");
  return answer.body;
}

function streamResponse(body: ReadableStream<Uint8Array>): Response {
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
  return namesType(context.req.header("accept"), "text/event-stream");
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
  const failure = body?.error;
  if (failure && failure.code in problems) {
    return problemOf({ ...failure, detail: failure.detail ?? problems[failure.code].title });
  }
  return new Error(`the thread answered ${answer.status}`);
}
