// A client of Qwen that asks it to think, and to keep the thoughts of older turns.
import type { Client } from "../client.ts";
import { qwen } from "../providers/qwen.ts";
import { breakArguments, dropKey, editStep, forceCall, set, usage } from "./changes.ts";

export const qwenClient: Client = {
  provider: qwen,
  fields: { ...usage, enable_thinking: true, preserve_thinking: true },
  returns: ({ reasoning }) => ({ reasoning_content: reasoning }),
  breaks: {
    "refuses a request without a key": dropKey,
    "refuses a message without content": editStep((step) => {
      step.content = null;
    }),
    "refuses arguments that are not JSON": breakArguments,
    "refuses to be made to call a tool while it thinks": forceCall,
    "refuses to think without a stream": set({ stream: false }),
  },
  misses: {
    "asks to keep the thoughts of older turns where they come back": editStep((step) => {
      delete step.reasoning_content;
    }),
  },
};
