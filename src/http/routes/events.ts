// The events of a thread or of one run, as server-sent events.
import { z } from "@hono/zod-openapi";
import type { App, AppContext } from "../context.ts";
import { type Answer, addOperation } from "../operation.ts";
import { keyOf } from "../ownership.ts";
import { runParams, threadParams } from "../schemas.ts";
import { answerStream, readPosition, streamRequest } from "../stream.ts";

export const position = z.strictObject({
  after: z.string().max(100).optional().openapi({ description: "Like `Last-Event-ID`, which wins." }),
});
export const headers = z.object({
  "last-event-id": z.string().optional().openapi({ description: "The number of the last event that you saw." }),
});
export const answers: Record<number, Answer> = { 200: { description: "AG-UI events.", text: "text/event-stream" } };
export const runAnswers: Record<number, Answer> = {
  ...answers,
  204: { description: "The run has ended, and `Last-Event-ID` is its last event or a later one. Don't reconnect." },
};

export function addEvents(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/threads/{thread_id}/events",
      tag: "Events",
      summary: "Watch a thread",
      description: "Streams its runs one after another. Closes after 60 s without a run; reconnect with the last id.",
      params: threadParams,
      query: position,
      headers,
      answers,
      problems: ["not_found", "bad_cursor"],
    },
    (context, { params, query }) => watch(context, params.thread_id, null, query.after),
  );
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/threads/{thread_id}/runs/{invocation_id}/events",
      tag: "Events",
      summary: "Watch a run",
      description: "From its start, or after an event. Waits while the run is queued.",
      params: runParams,
      query: position,
      headers,
      answers: runAnswers,
      problems: ["not_found", "bad_cursor"],
    },
    (context, { params, query }) => watch(context, params.thread_id, params.invocation_id, query.after),
  );
}

/** `ticket` names the ticket with which it is watched; whoever watches with the same one is cut. */
export async function watch(
  context: AppContext,
  thread_id: string,
  invocation_id: string | null,
  after: string | undefined,
  ticket: string | null = null,
): Promise<Response> {
  const after_id = readPosition(context, after);
  // A HEAD must not leave a reader behind whose stream nobody reads.
  if (context.req.raw.method === "HEAD") return context.body(null, 200, { "content-type": "text/event-stream" });
  const key = keyOf(context, thread_id);
  const address = new URL("https://thread/events");
  for (const [name, value] of Object.entries({ ...key, may_end: 1, invocation_id, after: after_id, ticket })) {
    if (value !== null) address.searchParams.set(name, String(value));
  }
  return await answerStream(context, key, () => streamRequest(context, address));
}
