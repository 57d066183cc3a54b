// The messages that wait on a thread while a run works. Only the object knows them, because they are not in D1 yet.
import { z } from "@hono/zod-openapi";
import { waitingPolicies } from "../../protocol/inbox.ts";
import { userContent } from "../../protocol/message.ts";
import { callThread } from "../../thread/stub.ts";
import type { App } from "../context.ts";
import { unwrap } from "../errors.ts";
import * as examples from "../examples.ts";
import { addOperation } from "../operation.ts";
import { keyOf } from "../ownership.ts";
import { threadParams, time } from "../schemas.ts";

const waitingMessage = z
  .object({
    invocation_id: z.string().openapi({
      description:
        "The id of its request, and of the run that it will start. A message that steers starts none, unless it comes too late.",
    }),
    message_id: z.string(),
    on_busy: z.enum(waitingPolicies).openapi({
      description:
        "`steer`: the active run takes it at its next step. `enqueue`: it starts a run after those before it.",
    }),
    content: userContent,
    is_cut: z.boolean().openapi({
      description: "Whether `content` is cut here because of its length. The message will have all of it.",
    }),
    created_at: time,
  })
  .openapi("WaitingMessage", { example: examples.waitingMessage });

const change = z
  .strictObject({
    message: userContent.optional(),
    on_busy: z.literal("steer").optional().openapi({
      description:
        "Sends it now: the active run takes it at its next step. The run that it would have started ends as `cancelled`.",
    }),
  })
  .openapi("WaitingMessageChange", { example: { message: "然后写一份使用说明", on_busy: "steer" } });

const params = threadParams.extend({ message_id: z.string().min(1).max(64) });

export function addInbox(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/threads/{thread_id}/inbox",
      tag: "Threads",
      summary: "List waiting messages",
      description:
        "Accepted messages that no run has taken yet, in the order in which they will be taken: 100 at most. A message that is taken becomes a message of the thread.",
      params: threadParams,
      answers: { 200: { description: "The waiting messages.", schema: z.object({ data: z.array(waitingMessage) }) } },
      problems: ["not_found"],
    },
    async (context, { params }) => {
      const key = keyOf(context, params.thread_id);
      const data = unwrap(await callThread(context.env, key, (stub) => stub.readInbox(key)));
      return context.json({ data });
    },
  );
  addOperation(
    app,
    {
      method: "patch",
      path: "/v1/threads/{thread_id}/inbox/{message_id}",
      scope: "run",
      tag: "Threads",
      summary: "Change a waiting message",
      description:
        "Replaces the text of a message that no run has taken yet, sends it now, or both. The order of what waits stays. A message that a run has taken is not found.",
      params,
      body: change,
      answers: { 200: { description: "The changed message.", schema: waitingMessage } },
      problems: ["not_found", "empty_message", "invalid_operation", "rate_limited"],
    },
    async (context, { params: { thread_id, message_id }, body: { message, on_busy } }) => {
      const key = keyOf(context, thread_id);
      const wanted = { ...(message === undefined ? {} : { content: message }), steers: on_busy === "steer" };
      const asked = await callThread(context.env, key, (stub) => stub.changeWaiting(key, message_id, wanted));
      return context.json(unwrap(asked));
    },
  );
  addOperation(
    app,
    {
      method: "delete",
      path: "/v1/threads/{thread_id}/inbox/{message_id}",
      scope: "run",
      tag: "Threads",
      summary: "Remove a waiting message",
      description:
        "Takes back a message that no run has taken yet. The run that it would have started ends as `cancelled`. A message that a run has taken is not found.",
      counts: "request",
      params,
      answers: { 204: { description: "The message is removed." } },
      problems: ["not_found"],
    },
    async (context, { params: { thread_id, message_id } }) => {
      const key = keyOf(context, thread_id);
      unwrap(await callThread(context.env, key, (stub) => stub.removeWaiting(key, message_id)));
      return context.body(null, 204);
    },
  );
}
