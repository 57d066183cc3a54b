// Streams of a thread's object. The object frames, numbers and ends them. All routes but AG-UI's pass its bytes
// through.
import { type Failure, problems } from "../protocol/error.ts";
import type { ThreadKey } from "../protocol/thread.ts";
import { writeOpener } from "../thread/stream/ended-keys.ts";
import { callThread } from "../thread/stub.ts";
import type { AppContext } from "./context.ts";
import { Problem, problemOf } from "./errors.ts";
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
  return await holdStream(context, async () => {
    const answer = await callThread(context.env, key, (stub) => stub.fetch(makeRequest()));
    return answer.status === 204 ? null : readStream(answer);
  });
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

/** Answers with a stream, which counts as open until it has ended or the client is gone; with 204 if there is none. */
export async function holdStream(
  context: AppContext,
  open: () => Promise<{ pipeTo(destination: WritableStream<Uint8Array>): Promise<void> } | null>,
): Promise<Response> {
  const close = countOpen(context, "streams");
  try {
    const stream = await open();
    if (stream === null) {
      close();
      return new Response(null, { status: 204, headers: { "cache-control": "no-store" } });
    }
    // The runtime passes a stream's bytes on by itself.
    const { readable, writable } = new IdentityTransformStream();
    const passed = stream.pipeTo(writable).catch(() => undefined);
    context.executionCtx.waitUntil(passed.finally(close));
    return streamResponse(readable);
  } catch (error) {
    close();
    throw error;
  }
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
  const failure = body?.error;
  if (failure && failure.code in problems) {
    return problemOf({ ...failure, detail: failure.detail ?? problems[failure.code].title });
  }
  return new Error(`the thread answered ${answer.status}`);
}
