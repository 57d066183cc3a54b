// A client of Groq, which sends reasoning back under the one name that Groq knows.
import type { Client } from "../client.ts";
import { groq } from "../providers/groq.ts";
import { editStep, set, usage } from "./changes.ts";

export const groqClient: Client = {
  provider: groq,
  fields: usage,
  returns: ({ reasoning }) => ({ reasoning }),
  breaks: {
    "refuses a field of a message that it does not know": editStep((step) => {
      step.reasoning_content = "";
    }),
    "refuses reasoning of a message for a model without it": set({ model: "moonshotai/kimi-k2-instruct" }),
    "refuses a field that it does not know": set({ reasoning: { effort: "low" } }),
  },
};
