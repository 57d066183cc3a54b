// A client of Bedrock, which sends no reasoning back.
import type { Client } from "../client.ts";
import { bedrock } from "../providers/bedrock.ts";
import { editStep, usage } from "./changes.ts";

export const bedrockClient: Client = {
  provider: bedrock,
  fields: usage,
  returns: ({ text }) => ({ content: text.replace(/<reasoning>[\s\S]*<\/reasoning>/, "") }),
  breaks: {
    "refuses a message of a form that it does not know": editStep((step) => {
      step.reasoning = "The file has to be read.";
    }),
  },
};
