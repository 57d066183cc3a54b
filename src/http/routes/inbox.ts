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

export function addInbox(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/threads/{thread_id}/inbox",
      tag: "Threads",
      summary: "List what waits",
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
}
