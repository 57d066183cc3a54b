// A stream as an HTTP response: the part of reading a thread that depends on the platform.
import { type Result, succeed } from "../../protocol/error.ts";
import type { Life } from "../life.ts";
import type { Sink } from "./connection.ts";
import type { Opener } from "./ended-keys.ts";
import { planStream, type StreamRequest, watchIdle } from "./streams.ts";
import { openHere } from "./streams-here.ts";

/** Names a stream for `watchHere` and `waitForStream`. One that is answered whole has none. */
export const STREAM_HEADER = "x-taskloom-stream";

/** Streams that are not over, by their names. A reader has one, so their number is bounded. */
const openStreams = new WeakMap<Life, Map<string, Promise<void>>>();

const headers = { "Content-Type": "text/event-stream", "Cache-Control": "no-cache, no-transform" };

/** `left` is aborted when the client is gone, where the platform knows it: a write that fails says it late. */
export function openStream(
  life: Life,
  request: StreamRequest,
  opener: Opener | null,
  left: AbortSignal,
): Result<Response> {
  const planned = planStream(life, request);
  if (!planned.ok) return planned;
  if (planned.value.kind === "over") return succeed(new Response(null, { status: 204 }));
  if (planned.value.kind === "whole") return succeed(new Response(planned.value.text, { headers }));
  // Of the platform's streams, only the writes of this one wait for the output gate and resolve when their bytes are
  // taken.
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  const name = keepUntilEnd(life, writer);
  const { relayed = false, ticket = null } = request;
  if (ticket !== null) life.readers.cutWithTicket(ticket);
  const added = { ...planned.value.request, relayed, ...(ticket === null ? {} : { ticket }) };
  const leave = life.readers.add(sinkOf(writer), added, opener);
  left.addEventListener("abort", leave, { once: true });
  watchIdle(life);
  return succeed(new Response(readable, { headers: { ...headers, [STREAM_HEADER]: name } }));
}

/** Resolves once the stream is over, however it ends. One that this life does not know is over. */
export async function whenStreamEnds(life: Life, name: string): Promise<void> {
  await openStreams.get(life)?.get(name);
}

function keepUntilEnd(life: Life, writer: WritableStreamDefaultWriter): string {
  const { name, end } = openHere(life.thread, life.ports.clock.now());
  const streams = openStreams.get(life) ?? new Map<string, Promise<void>>();
  const forget = (): void => {
    streams.delete(name);
    end();
  };
  openStreams.set(life, streams.set(name, writer.closed.then(forget, forget)));
  return name;
}

function sinkOf(writer: WritableStreamDefaultWriter): Sink {
  return {
    write: (bytes) => writer.write(bytes),
    close: () => writer.close(),
    abort: (reason) => writer.abort(new Error(reason)),
  };
}
