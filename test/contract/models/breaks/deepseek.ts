// A client of DeepSeek, which sends reasoning back with every reply.
import type { Client } from "../client.ts";
import { deepseek, deepseekFlash } from "../providers/deepseek.ts";
import { answerOf, dropKey, editStep, forceCall, join, set, showImage, usage } from "./changes.ts";

export const deepseekClient: Client = {
  provider: deepseek,
  fields: usage,
  returns: ({ reasoning }) => ({ reasoning_content: reasoning }),
  breaks: {
    "refuses a request without a key": dropKey,
    "refuses a reply without the reasoning that led to it, where there are tools": (request) => {
      delete answerOf(request).reasoning_content;
    },
    "refuses null as the content beside reasoning": editStep((step) => {
      step.content = null;
    }),
    "refuses to be made to call a tool while it thinks": forceCall,
    "refuses a longer output than the model has": set({ max_tokens: 400_000 }),
    // Without tools it wants no reasoning back, so that the answer to the image needs none.
    "refuses an image unless the model is a flash": join(
      set({ model: "deepseek-v4-pro", tools: undefined }),
      showImage,
    ),
  },
};

export const deepseekFlashClient: Client = { ...deepseekClient, provider: deepseekFlash };
