// A client of Claude at Anthropic's OpenAI-compatible address, which has no thoughts to send back.
import type { Client } from "../client.ts";
import { anthropic } from "../providers/anthropic.ts";
import { insert, sayNothing, set, usage, useForeignId } from "./changes.ts";

export const anthropicClient: Client = {
  provider: anthropic,
  // It ignores what it does not support.
  fields: { ...usage, seed: 7, temperature: 1.5 },
  breaks: {
    "refuses an id with characters that Claude does not allow": useForeignId,
    "refuses an empty text of the user": insert({ role: "user", content: "" }),
    "refuses an assistant's message that says and calls nothing, except at the end": sayNothing,
    "refuses a conversation of system messages only": ({ body }) => {
      body.messages = body.messages.slice(0, 1);
    },
    "refuses more than one choice": set({ n: 2 }),
  },
};
