// A stream as an HTTP response. The platform's part of reading a thread.
import { type Result, succeed } from "../../protocol/error.ts";
import type { Life } from "../life.ts";
import type { Sink } from "./readers.ts";
import { planStream, type StreamRequest, watchIdle } from "./streams.ts";

const headers = { "Content-Type": "text/event-stream", "Cache-Control": "no-cache, no-transform" };

export function openStream(life: Life, request: StreamRequest): Result<Response> {
  const planned = planStream(life, request);
  if (!planned.ok) return planned;
  if (planned.value.kind === "whole") return succeed(new Response(planned.value.text, { headers }));
  // Only this stream's writes wait for the output gate and resolve when their bytes were taken.
  const { readable, writable } = new IdentityTransformStream();
  life.readers.add(sinkOf(writable), planned.value.request);
  watchIdle(life);
  return succeed(new Response(readable, { headers }));
}

function sinkOf(writable: WritableStream): Sink {
  const writer = writable.getWriter();
  return {
    write: (bytes) => writer.write(bytes),
    close: () => writer.close(),
    abort: (reason) => writer.abort(new Error(reason)),
  };
}
