// A short name for an image, so that a thread can remember which ones a server has refused. The address may be the whole
// image, so each image is hashed once.

import type { ModelMessage } from "../../agent/model.ts";
import type { ContentPart, UserContent } from "../../protocol/message.ts";
import type { SentImage } from "../profiles/learn.ts";
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

/**
 * What a person wrote, with a note in place of each image that the model does not get. A blank text beside an image is
 * left out: Claude refuses the request, and every later one of the thread, for it.
 */
export function toVisibleContent(content: UserContent, { profile, refused_images }: WireContext): UserContent {
  if (typeof content === "string") return content;
  const isBlank = (part: ContentPart) => part.type === "text" && part.text.trim() === "";
  const written = content.some(isBlank) ? content.filter((part) => !isBlank(part)) : content;
  if (profile.images && refused_images.size === 0) return written;
  const shown = written.map((part) => {
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
