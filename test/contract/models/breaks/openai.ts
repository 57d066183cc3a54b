// Clients of OpenAI, which show null as the content of a message of calls. What its models refuse, they also refuse at
// Azure and behind a gateway, where they have other names.
import type { Break, Client } from "../client.ts";
import { openai, openaiOlder } from "../providers/openai.ts";
import { dropKey, insert, join, renameCall, renameTool, set, usage } from "./changes.ts";

/** `use` makes another model answer the request: rules depend on the model. */
export function parameterBreaks(use: (model: string) => Break): Record<string, Break> {
  return {
    "refuses a model that only the Responses API serves": use("gpt-5.3-codex"),
    "refuses a field that it does not know": set({ enable_thinking: true }),
    "refuses an effort of a model that does not reason": join(use("gpt-4.1"), set({ reasoning_effort: "low" })),
    "refuses an effort that the model does not have": join(use("gpt-5.1"), set({ reasoning_effort: "minimal" })),
    "refuses tools while a newer model reasons": join(use("gpt-5.6-terra"), set({ reasoning_effort: undefined })),
    "refuses max_tokens where a model reasons": join(use("gpt-5.1"), set({ max_tokens: 100 })),
    "refuses a temperature where a model reasons": join(
      use("gpt-5.1"),
      set({ reasoning_effort: "low", temperature: 0.2 }),
    ),
    "refuses an id of a call of more than 40 characters": renameCall(`call_${"x".repeat(40)}`),
    "refuses a name of a tool of more than 64 characters": renameTool("x".repeat(65)),
    "refuses null as the content of a message without calls": insert({ role: "user", content: null }),
  };
}

export const openaiClient: Client = {
  provider: openai,
  fields: { ...usage, reasoning_effort: "none" },
  returns: ({ text }) => ({ content: text || null }),
  breaks: {
    "refuses a request without a key": dropKey,
    ...parameterBreaks((model) => set({ model })),
  },
};

export const openaiOlderClient: Client = { ...openaiClient, provider: openaiOlder, fields: usage };
