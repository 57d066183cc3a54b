// Clients of OpenRouter, which send reasoning details back as they came.
import type { Client, Reply } from "../client.ts";
import { openrouter } from "../providers/openrouter.ts";
import { openrouterGemini } from "../providers/openrouter-gemini.ts";
import { editStep, insert, markParts, usage, useForeignId } from "./changes.ts";

const returnDetails = ({ reasoning_details }: Reply) => (reasoning_details.length > 0 ? { reasoning_details } : {});

const dropDetails = editStep((step) => {
  delete step.reasoning_details;
});

export const openrouterClient: Client = {
  provider: openrouter,
  fields: usage,
  returns: returnDetails,
  breaks: {
    "refuses reasoning details that are not those it sent, whole and in order": editStep((step) => {
      const [block] = step.reasoning_details as { text: string }[];
      step.reasoning_details = [{ ...block, text: `${block?.text} ` }];
    }),
    "refuses the last call without the reasoning that led to it": dropDetails,
    "refuses more than four cache marks": insert(markParts(5, "A document.")),
    "refuses a cache mark on an empty text": insert(markParts(1, "")),
    "refuses an id with characters that Claude does not allow": useForeignId,
  },
};

export const openrouterGeminiClient: Client = {
  provider: openrouterGemini,
  fields: usage,
  returns: returnDetails,
  breaks: { "refuses a call of this turn without its reasoning details": dropDetails },
};
