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
        "Of the request that brought it: the run that it will begin. What steers begins none, unless it comes too late.",
    }),
    message_id: z.string(),
    on_busy: z.enum(waitingPolicies).openapi({
      description:
        "`steer`: the active run takes it at its next step. `enqueue`: it begins a run after those before it.",
    }),
    content: userContent,
    is_cut: z.boolean().openapi({
      description: "Whether `content` is too long to be shown here and is cut; the message will have all of it.",
    }),
    created_at: time,
  })
  .openapi("WaitingMessage", { example: examples.waitingMessage });

export function addInbox(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/threads/{thread_id}/inbox",
      tag: "Threads",
      summary: "List what waits",
      description:
        "Messages that were accepted and that no run has taken yet, in the order in which they will be: 100 at most. They are among the messages of the thread once they are taken.",
      params: threadParams,
      answers: { 200: { description: "What waits.", schema: z.object({ data: z.array(waitingMessage) }) } },
      problems: ["not_found"],
    },
    async (context, { params }) => {
      const key = keyOf(context, params.thread_id);
      const data = unwrap(await callThread(context.env, key, (stub) => stub.readInbox(key)));
      return context.json({ data });
    },
  );
}
