// A client of Workers AI, which always names a limit for the reply.
import type { Client } from "../client.ts";
import { workersAi } from "../providers/workers-ai.ts";
import { editStep, set, usage } from "./changes.ts";

export const workersAiClient: Client = {
  provider: workersAi,
  fields: { ...usage, max_tokens: 4096 },
  breaks: {
    "refuses content that is not a text": editStep((step) => {
      step.content = null;
    }),
  },
  misses: { "asks for a limit, without which a reply ends after 256 tokens": set({ max_tokens: undefined }) },
};
