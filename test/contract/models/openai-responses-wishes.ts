// What OpenAI's guide asks of a client of the Responses API without a memory on the server.

import { guide, ownReplies } from "./openai-responses-rules.ts";
import { badRequest } from "./rules.ts";
import type { Rule } from "./wire.ts";

export const responsesWishes: Rule[] = [
  {
    name: "asks to keep nothing",
    source: "https://developers.openai.com/api/docs/guides/migrate-to-responses",
    check: ({ body }) => (body.store === false ? null : badRequest("the response is stored")),
  },
  {
    name: "asks whether it shall send the reasoning",
    source: guide,
    check: ({ body }) =>
      JSON.stringify(body.include ?? []).includes("reasoning.encrypted_content")
        ? null
        : badRequest("the reasoning is lost"),
  },
  {
    name: "asks that optional fields of a tool stay optional",
    source: "https://developers.openai.com/api/docs/guides/function-calling",
    check: ({ body }) =>
      ((body.tools ?? []) as { strict?: boolean }[]).every(({ strict }) => strict === false)
        ? null
        : badRequest("the schema is made strict"),
  },
  {
    name: "asks for the reasoning that led to the calls of this turn, in its place",
    source: guide,
    check(request, sent) {
      if (request.tools.length === 0) return null;
      const from = request.messages.findLastIndex(({ role }) => role === "user");
      for (const { message, reply, items } of ownReplies(request, sent)) {
        const wanted = reply.extras.reasoning as { encrypted_content?: string } | null;
        if (!wanted || !message.tool_calls || request.messages.indexOf(message) < from) continue;
        if (items[0]?.encrypted_content !== wanted.encrypted_content) return badRequest("the reasoning is missing");
      }
      return null;
    },
  },
  {
    name: "asks for the phase of each message",
    source: "https://openrouter.ai/docs/cookbook/evaluate-and-optimize/model-migrations/gpt-5-4",
    check(request, sent) {
      if (request.tools.length === 0) return null;
      for (const { reply, items } of ownReplies(request, sent)) {
        const said = items.find(({ role }) => role === "assistant");
        if (said && said.phase !== reply.extras.phase) return badRequest("the phase is missing");
      }
      return null;
    },
  },
];
