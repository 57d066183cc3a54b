// Images just before they are used. A row may be older than the check at the doors, and a setting may have changed since: an
// image whose address is not permitted now gives way to a few words, in the request alone. The others are sent as they were
// judged (lib/image-address.ts). Same message and rules, same bytes, so that the prompt's prefix stays as the provider cached it.
import { type ImageRules, readImageAddress } from "../lib/image-address.ts";
import type { ChatMessage, ContentPart, UserMessage } from "../protocol/message.ts";
import type { Model } from "./model.ts";

const LEFT_OUT: ContentPart = {
  type: "text",
  text: "[an image is left out here: its address is not permitted]",
};

/** The model, which is sent no image that the rules don't permit, whatever its dialect and whoever asks. */
export function withPermittedImages(model: Model, rules: ImageRules): Model {
  // Messages are never changed and stand in every request, so each is judged once.
  const judged = new WeakMap<UserMessage, UserMessage>();
  const permit = (message: ChatMessage): ChatMessage => {
    if (message.role !== "user" || typeof message.content === "string") return message;
    const shown = judged.get(message) ?? {
      ...message,
      content: message.content.map((part) => permitPart(part, rules)),
    };
    judged.set(message, shown);
    return shown;
  };
  return {
    stream: (request, onDelta, signal) =>
      model.stream({ ...request, messages: request.messages.map(permit) }, onDelta, signal),
  };
}

function permitPart(part: ContentPart, rules: ImageRules): ContentPart {
  if (part.type !== "image_url") return part;
  const read = readImageAddress(part.image_url.url, rules);
  return "wrong" in read ? LEFT_OUT : { ...part, image_url: { ...part.image_url, url: read.url } };
}
