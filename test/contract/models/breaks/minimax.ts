// A client of MiniMax, which sends back the content as it came, with the thoughts in it.
import type { Client } from "../client.ts";
import { minimax } from "../providers/minimax.ts";
import { append, breakArguments, dropKey, dropResults, editStep, sendLateSystem, set, usage } from "./changes.ts";

export const minimaxClient: Client = {
  provider: minimax,
  fields: usage,
  breaks: {
    "refuses a request without a key": dropKey,
    "refuses a system message behind others": sendLateSystem,
    "refuses a second system message": ({ body }) => body.messages.unshift({ role: "system", content: "Be brief." }),
    "refuses a call without its result right behind it": dropResults,
    "refuses a result without its call": append({ role: "tool", tool_call_id: "call_function_x", content: "1" }),
    "refuses arguments that are not JSON": breakArguments,
    "refuses a temperature that is not above 0 and at most 1": set({ temperature: 0 }),
    "refuses a thinking that M3 does not have": set({ model: "MiniMax-M3", thinking: { type: "enabled" } }),
  },
  misses: {
    "asks for its thoughts back, unchanged": editStep((step) => {
      step.content = String(step.content).replace(/<think>[\s\S]*<\/think>\s*/, "");
    }),
  },
};
