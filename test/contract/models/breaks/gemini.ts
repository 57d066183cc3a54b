// A client of Gemini, which sends calls back with all their fields, signatures too.
import type { Client } from "../client.ts";
import { gemini } from "../providers/gemini.ts";
import { editStep, set, stepOf, usage } from "./changes.ts";

export const geminiClient: Client = {
  provider: gemini,
  fields: { ...usage, reasoning_effort: "low" },
  breaks: {
    "refuses a step of this turn whose first call has no signature": editStep(({ tool_calls }) => {
      delete tool_calls?.[0]?.extra_content;
    }),
    "refuses a signature that it did not make": editStep(({ tool_calls }) => {
      Object.assign(tool_calls?.[0] ?? {}, { extra_content: { google: { thought_signature: "bXNnX2FiYzEyMw==" } } });
    }),
    "refuses a call right behind words of the model": (request) => {
      const { messages } = request.body;
      messages.splice(messages.indexOf(stepOf(request)), 0, { role: "assistant", content: "I look." });
    },
    "refuses a field that it does not know": set({ store: false }),
  },
};
