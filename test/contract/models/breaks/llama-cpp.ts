// Clients of llama.cpp's server: it refuses malformed messages, and each model's template an order of them.
import type { Client } from "../client.ts";
import { llamaCpp, llamaCppQwen } from "../providers/llama-cpp.ts";
import { endWithAssistant, insert, sendLateSystem, sendUnknownPart, set, showImage, usage } from "./changes.ts";

const serverBreaks = {
  "refuses a message without content and calls": insert({ role: "user", content: "Hi" }, { role: "assistant" }),
  "refuses a part of an unknown type": sendUnknownPart,
  "refuses an image to a model of text": showImage,
  "refuses a tool whose schema has a wide bound": set({
    tools: [{ type: "function", function: { name: "x", parameters: { type: "string", maxLength: 10_000 } } }],
  }),
};

export const llamaCppClient: Client = {
  provider: llamaCpp,
  fields: usage,
  returns: ({ reasoning }) => ({ reasoning_content: reasoning }),
  breaks: {
    ...serverBreaks,
    "refuses two users or two answers in a row": insert({ role: "user", content: "Hi" }),
  },
};

export const llamaCppQwenClient: Client = {
  ...llamaCppClient,
  provider: llamaCppQwen,
  breaks: {
    ...serverBreaks,
    "refuses a system message that is not the first": sendLateSystem,
    "refuses a conversation that ends with the assistant": endWithAssistant,
  },
};
