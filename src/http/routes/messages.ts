// The messages of a thread, oldest first.
import { z } from "@hono/zod-openapi";
import { clientId } from "../../protocol/ids.ts";
import { messageTypes } from "../../protocol/message.ts";
import { callThread } from "../../thread/stub.ts";
import type { App } from "../context.ts";
import { unwrap } from "../errors.ts";
import { readWithRoom } from "../lists/room.ts";
import { addOperation } from "../operation.ts";
import { keyOf } from "../ownership.ts";
import { message, pageOf, pageQuery, threadParams } from "../schemas.ts";

const query = pageQuery.extend({
  type: z
    .string()
    .max(200)
    .transform((text) => text.split(","))
    .pipe(z.array(z.enum(messageTypes)))
    .optional()
    .openapi({
      type: "string",
      description: `Some of ${messageTypes.join(", ")}, separated by commas; all by default.`,
    }),
  after: clientId.optional().openapi({ description: "A `message_id`: only messages after it." }),
  include: z
    .enum(["superseded"])
    .optional()
    .openapi({
      description: "`superseded`: also messages that were asked again or edited.",
      examples: ["superseded"],
    }),
});

export function addMessages(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/threads/{thread_id}/messages",
      tag: "Threads",
      summary: "List messages",
      description: "Oldest first. A page ends at `limit` messages or about 4 MB, whichever comes first.",
      params: threadParams,
      query,
      answers: { 200: { description: "Messages.", schema: pageOf(message) } },
      problems: ["not_found", "bad_cursor"],
    },
    async (context, { params, query }) => {
      const key = keyOf(context, params.thread_id);
      const request = {
        limit: query.limit,
        cursor: query.cursor ?? null,
        types: query.type ?? [],
        after: query.after ?? null,
        ...(query.include === "superseded" ? { superseded: true } : {}),
      };
      return await readWithRoom(
        context,
        async (most) => unwrap(await callThread(context.env, key, (stub) => stub.readMessages(key, request, most))),
        ({ data, next_cursor }) => context.json({ data, next_cursor }),
      );
    },
  );
}
