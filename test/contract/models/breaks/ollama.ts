// A client of Ollama, which sends reasoning back under Ollama's own name.
import type { Client } from "../client.ts";
import { ollama } from "../providers/ollama.ts";
import { insert, sendUnknownPart, set, showImage, usage } from "./changes.ts";

export const ollamaClient: Client = {
  provider: ollama,
  fields: usage,
  returns: ({ reasoning }) => ({ reasoning }),
  breaks: {
    "refuses a message without content that has no calls": insert({ role: "assistant", content: null }),
    "refuses a part of an unknown type": sendUnknownPart,
    "refuses an image by its address": showImage,
    "refuses tools for a model whose template has none": set({ model: "gemma3:4b" }),
  },
};
