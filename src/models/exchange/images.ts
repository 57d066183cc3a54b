// A short name for an image, so that a thread can remember which ones a server has refused. The address may be the whole
// image, so each image is hashed once.

import type { ModelMessage } from "../../agent/model.ts";
import type { ContentPart, UserContent } from "../../protocol/message.ts";
import type { SentImage } from "../profiles/objection.ts";
import { hashText } from "./hash.ts";
import type { WireContext } from "./wire.ts";

/** Messages never change, so an image's part is the same object at each step. */
const known = new WeakMap<object, string>();

export function hashImage(image: { url: string }): string {
  const before = known.get(image);
  if (before !== undefined) return before;
  const hash = hashText(image.url);
  known.set(image, hash);
  return hash;
}

/** What a person wrote, with a note in place of each image that the model does not get. */
export function toVisibleContent(content: UserContent, { profile, refused_images }: WireContext): UserContent {
  if (typeof content === "string" || (profile.images && refused_images.size === 0)) return content;
  const shown = content.map((part) => {
    const isRefused = part.type === "image_url" && (!profile.images || refused_images.has(hashImage(part.image_url)));
    return isRefused ? unseenImage : part;
  });
  if (shown.some(({ type }) => type !== "text")) return shown;
  // A server that refuses images may refuse parts too.
  return shown.map((part) => (part.type === "text" ? part.text : "")).join("\n\n");
}

const unseenImage: ContentPart = { type: "text", text: "[an image is left out here: the model can't see it]" };

/** The images of a request. */
export function listImages(messages: readonly ModelMessage[]): SentImage[] {
  const replied = messages.findLastIndex(({ role }) => role === "assistant");
  return messages.flatMap(({ role, content }, at) => {
    if (role !== "user" || !Array.isArray(content)) return [];
    const images = content.flatMap((part) => (part.type === "image_url" ? [part.image_url] : []));
    return images.map((image) => ({ hash: hashImage(image), url: image.url, is_new: at > replied }));
  });
}
