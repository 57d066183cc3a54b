// What refusals teach of a server and model, as words that can be stored. Each changes one thing of the profile.
import type { IdForm, Profile } from "./profile.ts";

/** Learned from a reply: the server's chat template wrote `<think>` into the prompt, so only `</think>` comes. */
export const STARTS_THINKING = "reply starts with thoughts";

/** Learned from a refusal: the server knows no tools for this model, which then writes its calls as text. */
export const CALLS_AS_TEXT = "calls are written as text";

/** Learned from a refusal: chat completions don't have this model, or not with tools. */
export const ASK_RESPONSES = "ask at /responses";

/** Learned from a refusal: the server has no Responses API, or not for this model. */
export const ASK_CHAT = "ask at /chat/completions";

/** Learned from a refusal: what goes back of the model's reasoning can't be read any more, up to one item's hash. */
export const UNREADABLE = "items:";

/**
 * `omit:`: a field of the request, or of an object in it. `image:`: one image, by a hash of its address. `limit:`: the
 * longest reply in tokens. `describe:`: the longest description of a tool in characters. `end:`: a word for the end of a reply. `items:`: see `UNREADABLE`.
 */
export type Rule =
  | `end:${string}`
  | `items:${string}`
  | `omit:${string}`
  | `image:${string}`
  | `ids:${IdForm}`
  | `limit:${number}`
  | `describe:${number}`
  | keyof typeof changes;

const changes = {
  "ask at /responses": (profile) => ({ ...profile, api: "responses" }),
  "ask at /chat/completions": (profile) => ({ ...profile, api: "chat" }),
  "send reasoning_content": (profile) => ({
    ...profile,
    reasoning: { field: "reasoning_content", on: "all", required: true },
  }),
  "send no reasoning": (profile) => ({
    ...profile,
    reasoning: { field: null, on: "calls", required: false },
    details: false,
    returns_items: false,
  }),
  "send signatures": (profile) => ({ ...profile, signatures: "required" }),
  "send no signatures": (profile) => ({ ...profile, signatures: "no" }),
  "name results": (profile) => ({ ...profile, names_results: true }),
  "bridge results": (profile) => ({ ...profile, bridges_results: true }),
  "merge messages": (profile) => ({ ...profile, merges_messages: true, bridges_results: true }),
  "no system role": (profile) => ({ ...profile, system: "user", merges_messages: true }),
  "content is nothing": (profile) => ({ ...profile, empty_content: "nothing" }),
  "content is null": (profile) => ({ ...profile, empty_content: "null" }),
  "content is text": (profile) => ({ ...profile, empty_content: "text" }),
  "no images": (profile) => ({ ...profile, images: false }),
  "mark whole messages": (profile) => ({ ...profile, cache_marks: "messages" }),
  "no empty schemas": (profile) => ({ ...profile, omits_empty_schemas: true }),
  "no cache marks": (profile) => ({ ...profile, cache_marks: "none" }),
  "no effort with tools": (profile) => ({ ...profile, adds: { ...profile.adds, reasoning_effort: "none" } }),
  "limit is called max_tokens": (profile) => ({ ...profile, limit: { ...profile.limit, field: "max_tokens" } }),
  "limit is called max_completion_tokens": (profile) => ({
    ...profile,
    limit: { ...profile.limit, field: "max_completion_tokens" },
  }),
  "limit is max_tokens": (profile) => ({
    ...profile,
    limit: { ...profile.limit, field: "max_tokens", required: true },
  }),
  "limit is max_completion_tokens": (profile) => ({
    ...profile,
    limit: { ...profile.limit, field: "max_completion_tokens", required: true },
  }),
} satisfies Record<string, (profile: Profile) => Profile>;

const idForms: Record<IdForm, true> = { any: true, nine: true, plain: true, forty: true, kimi: true };

/** Rules of a later version, and those that concern no profile, change nothing. */
export function applyRules(profile: Profile, rules: Iterable<string>): Profile {
  let changed = profile;
  for (const rule of rules) {
    const [kind, value = ""] = rule.split(/:(.*)/s);
    if (isChange(rule)) changed = changes[rule](changed);
    else if (kind === "omit") changed = { ...changed, omits: [...changed.omits, value] };
    else if (kind === "ids" && isIdForm(value)) changed = { ...changed, ids: value };
    else if (kind === "describe" && Number(value) > 0) changed = { ...changed, description_limit: Number(value) };
    else if (kind === "limit" && Number(value) > 0) {
      changed = { ...changed, limit: { ...changed.limit, required: true, max: Number(value) } };
    }
  }
  return changed;
}

/** Hashes of the images that were refused. */
export function refusedImages(rules: readonly string[]): ReadonlySet<string> {
  return new Set(valuesOf("image:", rules));
}

/** Hashes of the items of reasoning that were refused. */
export function refusedItems(rules: readonly string[]): ReadonlySet<string> {
  return new Set(valuesOf(UNREADABLE, rules));
}

export function knownEnds(rules: readonly string[]): string[] {
  return valuesOf("end:", rules);
}

function valuesOf(kind: string, rules: readonly string[]): string[] {
  return rules.filter((rule) => rule.startsWith(kind)).map((rule) => rule.slice(kind.length));
}

function isChange(rule: string): rule is keyof typeof changes {
  return Object.hasOwn(changes, rule);
}

function isIdForm(text: string): text is IdForm {
  return Object.hasOwn(idForms, text);
}
