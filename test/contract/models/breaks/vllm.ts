// Clients of vLLM. Which breaks there are is decided by the template of the model that it serves.
import type { Client } from "../client.ts";
import { vllm, vllmMistral } from "../providers/vllm.ts";
import { askBehindResult, sendLateSystem, showImage, usage } from "./changes.ts";

export const vllmClient: Client = {
  provider: vllm,
  fields: usage,
  returns: ({ reasoning }) => ({ reasoning }),
  breaks: {
    "refuses an image to a model of text": showImage,
    "refuses a system message that is not the first": sendLateSystem,
  },
};

export const vllmMistralClient: Client = {
  provider: vllmMistral,
  fields: usage,
  breaks: { "refuses a user message right after a tool result": askBehindResult },
};
