// Checks images just before they are sent. A row may be older than the check of incoming messages, and a setting may
// have changed since. An image whose address is not permitted now is replaced by a short text, in the request only. The
// others are sent with the address that the check returns (lib/image-address.ts). The same message and rules give the
// same bytes, so the provider's cache of the prompt's prefix stays valid.
import { type ImageRules, readImageAddress } from "../lib/image-address.ts";
import type { ContentPart, UserMessage } from "../protocol/message.ts";
import type { Model, ModelMessage } from "./model.ts";

const LEFT_OUT: ContentPart = {
  type: "text",
  text: "[an image is left out here: its address is not permitted]",
};

// Messages never change and are in every request, so each is checked once for its rules, in whatever run.
const judgedByRules = new WeakMap<ImageRules, WeakMap<UserMessage, UserMessage>>();

function judgedBy(rules: ImageRules): WeakMap<UserMessage, UserMessage> {
  const judged = judgedByRules.get(rules) ?? new WeakMap<UserMessage, UserMessage>();
  judgedByRules.set(rules, judged);
  return judged;
}

/**
 * Wraps a model so that it never receives an image that the rules forbid, whatever its dialect and whoever calls it.
 */
export function withPermittedImages(model: Model, rules: ImageRules): Model {
  const judged = judgedBy(rules);
  const permit = (message: ModelMessage): ModelMessage => {
    if (message.role !== "user" || typeof message.content === "string") return message;
    const shown = judged.get(message) ?? {
      ...message,
      content: message.content.map((part) => permitPart(part, rules)),
    };
    judged.set(message, shown);
    return shown;
  };
  return {
    stream(request, onDelta, signal) {
      const shown = hasParts(request.messages) ? { ...request, messages: request.messages.map(permit) } : request;
      return model.stream(shown, onDelta, signal);
    },
  };
}

/** Each request has all messages of its thread, most of them plain. */
function hasParts(messages: readonly ModelMessage[]): boolean {
  for (const { content } of messages) if (typeof content === "object" && content !== null) return true;
  return false;
}

function permitPart(part: ContentPart, rules: ImageRules): ContentPart {
  if (part.type !== "image_url") return part;
  const read = readImageAddress(part.image_url.url, rules);
  return "wrong" in read ? LEFT_OUT : { ...part, image_url: { ...part.image_url, url: read.url } };
}
