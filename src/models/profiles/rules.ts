// What refusals teach of a server and model, as words that can be stored. Each changes one thing of the profile.
import type { IdForm, Profile, ProfileChange } from "./profile.ts";

/** Learned from a reply: the server's chat template wrote `<think>` into the prompt, so only `</think>` comes. */
export const STARTS_THINKING = "reply starts with thoughts";

/** Learned from a refusal: the server knows no tools for this model, which then writes its calls as text. */
export const CALLS_AS_TEXT = "calls are written as text";

/**
 * `end:`: a word for the end of a reply. `items:`: what goes back of the model's reasoning can't be read any more, up to
 * one item's hash. `omit:`: a field of the request, or of an object in it. `image:`: one image, by a hash of its address.
 * `limit:`: the longest reply in tokens. `describe:`: the longest description of a tool in characters.
 */
export type Rule =
  | `${"end" | "items" | "omit" | "image"}:${string}`
  | `ids:${IdForm}`
  | `${"limit" | "describe"}:${number}`
  | keyof typeof changes;

/** Fields of an object replace those that are there. */
type Change = Omit<ProfileChange, "limit"> & { limit?: Partial<Profile["limit"]> };

const changes = {
  "ask at /responses": { api: "responses" },
  "ask at /chat/completions": { api: "chat" },
  "send reasoning_content": { reasoning: { field: "reasoning_content", on: "all", required: true } },
  "send no reasoning": {
    reasoning: { field: null, on: "calls", required: false },
    details: false,
    returns_items: false,
  },
  "send signatures": { signatures: "required" },
  "send no signatures": { signatures: "no" },
  "name results": { names_results: true },
  "bridge results": { bridges_results: true },
  "merge messages": { merges_messages: true, bridges_results: true },
  "no system role": { system: "user", merges_messages: true },
  "content is nothing": { empty_content: "nothing" },
  "content is null": { empty_content: "null" },
  "content is text": { empty_content: "text" },
  "no images": { images: false },
  "mark whole messages": { cache_marks: "messages" },
  "no cache marks": { cache_marks: "none" },
  "no empty schemas": { omits_empty_schemas: true },
  "no effort with tools": { adds: { reasoning_effort: "none" } },
  "limit is called max_tokens": { limit: { field: "max_tokens" } },
  "limit is called max_completion_tokens": { limit: { field: "max_completion_tokens" } },
  "limit is max_tokens": { limit: { field: "max_tokens", required: true } },
  "limit is max_completion_tokens": { limit: { field: "max_completion_tokens", required: true } },
} satisfies Record<string, Change>;

const idForms: Record<IdForm, true> = { any: true, nine: true, plain: true, forty: true, kimi: true };

/** What a rule with a value changes; null where the value is none. */
function changeOf(kind: string, value: string, { omits }: Profile): Change | null {
  if (kind === "omit") return { omits: [...omits, value] };
  if (kind === "ids" && Object.hasOwn(idForms, value)) return { ids: value as IdForm };
  if (kind === "describe" && Number(value) > 0) return { description_limit: Number(value) };
  return kind === "limit" && Number(value) > 0 ? { limit: { required: true, max: Number(value) } } : null;
}

/** Rules of a later version, and those that concern no profile, change nothing. */
export function applyRules(profile: Profile, rules: Iterable<string>): Profile {
  let changed = profile;
  for (const rule of rules) {
    const [kind = "", value = ""] = rule.split(/:(.*)/s);
    const { limit, adds, ...rest }: Change = isChange(rule) ? changes[rule] : (changeOf(kind, value, changed) ?? {});
    changed = { ...changed, ...rest, limit: { ...changed.limit, ...limit }, adds: { ...changed.adds, ...adds } };
  }
  return changed;
}

function isChange(rule: string): rule is keyof typeof changes {
  return Object.hasOwn(changes, rule);
}

/** What the rules of a kind say: hashes of images or items that were refused, words for an end. */
export function valuesOf(kind: "end" | "image" | "items", rules: readonly string[]): string[] {
  return rules.filter((rule) => rule.startsWith(`${kind}:`)).map((rule) => rule.slice(kind.length + 1));
}
