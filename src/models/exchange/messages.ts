// What both dialects need to write messages: ids of calls in the form that a server accepts, images that it may see, and
// results in which no call stands.
import type { ModelMessage } from "../../agent/model.ts";
import type { ContentPart, UserContent } from "../../protocol/message.ts";
import type { SentImage } from "../profiles/learn.ts";
import type { IdForm } from "../profiles/profile.ts";
import type { WireContext } from "./wire.ts";

/** Stands between a result and a person's words where a server wants a message of the model there. */
export const BRIDGE = "I have the results.";

export interface CallIds {
  /** The id of the next call of the request. */
  ofCall(id: string, name: string): string;
  /** The id in a result: that of the last call with our id. */
  ofResult(id: string): string;
  /** The name of the tool that it is of. */
  nameOfResult(id: string): string | undefined;
}

const forms: Record<Exclude<IdForm, "kimi" | "any">, RegExp> = {
  nine: /^[A-Za-z0-9]{9}$/,
  plain: /^[A-Za-z0-9_-]{1,64}$/,
  forty: /^[\s\S]{1,40}$/,
};

/**
 * A request's ids are mapped in its order, so the same history gives the same bytes each time. What the server's reply
 * brings needs no way back: a result is found by our own id.
 */
export function createCallIds(form: IdForm): CallIds {
  const mapped = new Map<string, { wire: string; name: string }>();
  const taken = new Set<string>();
  let calls = 0;

  function choose(id: string, name: string): string {
    let number = calls++;
    // Kimi counts all calls of a conversation.
    if (form === "kimi") return `functions.${name}:${number}`;
    if (form === "any" || (forms[form].test(id) && !taken.has(id))) return id;
    // Nine characters, so that it fits every form.
    const make = () => `c${number.toString(36).padStart(8, "0")}`;
    while (taken.has(make())) number = calls++;
    return make();
  }

  return {
    ofCall(id, name) {
      const wire = choose(id, name);
      taken.add(wire);
      mapped.set(id, { wire, name });
      return wire;
    },
    ofResult: (id) => mapped.get(id)?.wire ?? id,
    nameOfResult: (id) => mapped.get(id)?.name,
  };
}

/** Two texts of one message. The one that grows is not copied: there may be thousands. */
export function joinTexts(one: string | null | undefined, other: string | null | undefined): string {
  return one && other ? `${one}\n\n${other}` : one || other || "";
}

/** A tool's name as it is stored (`agent/reply`): replies and messages are compared by it. */
export function plainName(name: string): string {
  const bare = name.replace(/^functions[.:]/, "").replace(/[^A-Za-z0-9_-]/g, "_");
  return bare.slice(0, 64) || "unnamed";
}

const calls =
  /<(?=\s{0,8}\/?\s{0,8}(?:[\w.:|｜‖ -]{0,40}(?:(?:function_calls|tool_calls?|toolcall|invoke)\b|function\s*=)|\|{1,2}[a-z_▁]{1,40}[|｜>]|[｜‖]))/gi;
const mistral = /\[(?=TOOL_CALLS\])/g;

/**
 * A tool's result is data. A model that repeats a page word for word must not thereby make the calls that the page
 * shows, so what could begin a call in any form (../markup) is escaped where calls are read out of a reply's text.
 * Special tokens of chat templates are escaped too, since the model's own server may read calls from them.
 */
export function quoteMarkup(text: string): string {
  return text.replace(calls, "&lt;").replace(mistral, "&#91;");
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

/** Messages never change, so an image's part is the same object at each step, and its address may be the whole image. */
const hashes = new WeakMap<object, string>();

export function hashImage(image: { url: string }): string {
  const hash = hashes.get(image) ?? hashText(image.url);
  hashes.set(image, hash);
  return hash;
}

/** 64 bits (FNV-1a in two halves): a thread names dozens of texts, and nobody gains by a collision. */
export function hashText(text: string): string {
  let one = 0x811c9dc5;
  let other = 0x1000193;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other ^ code, 0x5bd1e995);
  }
  return (one >>> 0).toString(36) + (other >>> 0).toString(36);
}
