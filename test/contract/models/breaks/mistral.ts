// A client of Mistral, which sends thoughts back as the parts that they came in and asks for no usage.
import type { Client } from "../client.ts";
import { mistral } from "../providers/mistral.ts";
import { askBehindResult, editStep, endWithAssistant, renameCall, sayNothing, set, usage } from "./changes.ts";

export const mistralClient: Client = {
  provider: mistral,
  returns: ({ text, reasoning }) => ({
    content: [
      { type: "thinking", thinking: [{ type: "text", text: reasoning }] },
      { type: "text", text },
    ],
  }),
  breaks: {
    "refuses an id that is not nine letters and digits": renameCall("call_0000"),
    "refuses a user or system message right after a tool result": askBehindResult,
    "refuses a conversation that ends with the assistant": endWithAssistant,
    "refuses an assistant's message that says and calls nothing": sayNothing,
    "refuses a field of a message that it does not know": editStep((step) => {
      step.reasoning_content = "";
    }),
    "refuses stream_options, as in March 2025": set(usage),
    "refuses OpenAI's newer fields": set({ max_completion_tokens: 32_000 }),
  },
  misses: {
    "asks for its thoughts back, as the parts that they came in": editStep((step) => {
      step.content = "I read both files.";
    }),
  },
};
