// A stream as an HTTP response: the part of reading a thread that depends on the platform.
import { type Result, succeed } from "../../protocol/error.ts";
import type { Life } from "../life.ts";
import type { Sink } from "./connection.ts";
import type { Opener } from "./ended-keys.ts";
import { planStream, type StreamRequest, watchIdle } from "./streams.ts";

const headers = { "Content-Type": "text/event-stream", "Cache-Control": "no-cache, no-transform" };

export function openStream(life: Life, request: StreamRequest, opener: Opener | null): Result<Response> {
  const planned = planStream(life, request);
  if (!planned.ok) return planned;
  if (planned.value.kind === "over") return succeed(new Response(null, { status: 204 }));
  if (planned.value.kind === "whole") return succeed(new Response(planned.value.text, { headers }));
  // Of the platform's streams, only the writes of this one wait for the output gate and resolve when their bytes are
  // taken.
  const { readable, writable } = new IdentityTransformStream();
  const { ticket = null } = request;
  if (ticket !== null) life.readers.cutWithTicket(ticket);
  life.readers.add(
    sinkOf(writable),
    ticket === null ? planned.value.request : { ...planned.value.request, ticket },
    opener,
  );
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
