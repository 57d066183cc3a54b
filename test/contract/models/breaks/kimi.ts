// A client of Kimi, which sends reasoning back and no empty content.
import type { Client } from "../client.ts";
import { kimi, kimiK3 } from "../providers/kimi.ts";
import { append, dropKey, editStep, forceCall, insert, set, usage } from "./changes.ts";

export const kimiClient: Client = {
  provider: kimi,
  fields: usage,
  // A message of calls alone has no content.
  returns: ({ text, reasoning }) => ({ content: text || undefined, reasoning_content: reasoning }),
  breaks: {
    "refuses a request without a key": dropKey,
    "refuses a call without the reasoning that led to it": editStep((step) => {
      delete step.reasoning_content;
    }),
    "refuses an assistant message that says nothing": append({ role: "assistant", content: "" }),
    "refuses an empty part of text": insert({ role: "user", content: [{ type: "text", text: "" }] }),
    "refuses a temperature other than 1": set({ temperature: 0.3 }),
    "refuses to be made to call a tool while it thinks": forceCall,
    "refuses to stop thinking where a model always thinks": set({
      model: "kimi-k2.7-code",
      thinking: { type: "disabled" },
    }),
    "refuses a tool with a parameter without a type": set({
      tools: [{ type: "function", function: { name: "x", parameters: { type: "object", properties: { a: {} } } } }],
    }),
  },
};

export const kimiK3Client: Client = { ...kimiClient, provider: kimiK3 };
