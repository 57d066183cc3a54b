// A client of Cerebras, which sends reasoning back under the one name that Cerebras knows.
import type { Client } from "../client.ts";
import { cerebras } from "../providers/cerebras.ts";
import { editStep, set } from "./changes.ts";

export const cerebrasClient: Client = {
  provider: cerebras,
  fields: { max_completion_tokens: 16_384 },
  returns: ({ reasoning }) => ({ reasoning }),
  breaks: {
    "refuses reasoning_content": editStep((step) => {
      step.reasoning_content = "I read.";
    }),
    "refuses a field that it does not know": set({ enable_thinking: true }),
  },
};
