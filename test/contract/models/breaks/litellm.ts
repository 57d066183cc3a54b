// A client of Claude behind LiteLLM that asks it to think and sends its blocks of thinking back.
import type { Client } from "../client.ts";
import { litellm } from "../providers/litellm.ts";
import { editStep, set, usage, useForeignId } from "./changes.ts";

export const litellmClient: Client = {
  provider: litellm,
  fields: { ...usage, reasoning_effort: "high" },
  returns: ({ thinking_blocks }) => (thinking_blocks.length > 0 ? { thinking_blocks } : {}),
  breaks: {
    "refuses the last call without its thinking blocks where thinking is asked for": editStep((step) => {
      delete step.thinking_blocks;
    }),
    "refuses an id with characters that Claude does not allow": useForeignId,
    "refuses a cache mark inside a tool result": ({ body }) => {
      const content = [{ type: "text", text: "1", cache_control: { type: "ephemeral" } }];
      Object.assign(body.messages.at(-1) ?? {}, { content });
    },
    "refuses a parameter that the provider behind it lacks": set({ seed: 7 }),
  },
};
