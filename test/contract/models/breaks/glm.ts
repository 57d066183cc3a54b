// A client of GLM, which sends reasoning back although nothing refuses its lack.
import type { Client } from "../client.ts";
import { glm } from "../providers/glm.ts";
import { dropKey, editStep, showImage, usage } from "./changes.ts";

export const glmClient: Client = {
  provider: glm,
  fields: usage,
  returns: ({ reasoning }) => ({ reasoning_content: reasoning }),
  breaks: {
    "refuses a request without a key": dropKey,
    "refuses a conversation without a user": ({ body }) => {
      body.messages = body.messages.slice(0, 1);
    },
    "refuses an image unless the model sees": showImage,
  },
  misses: {
    "asks for the thoughts before the calls of this turn, unchanged": editStep((step) => {
      step.reasoning_content = "Read them.";
    }),
  },
};
