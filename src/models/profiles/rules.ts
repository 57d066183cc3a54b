// What refusals teach of a server and model, as words that can be stored. Each changes one thing of the profile. Known
// are those of the thread, which outlive this isolate, and those that any thread of this isolate has learned.
import type { ModelMemory, ModelRequest } from "../../agent/model.ts";
import { putNewest } from "../../lib/memory/newest.ts";
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

/** Of this isolate, by server and model. A deployment has a few servers with a handful of models each. */
const learned = new Map<string, Set<string>>();
const MAX_MODELS = 200;
const MAX_RULES = 32;

/** `place` names the server: see `placeOf`. */
export function keyOf(place: string, model: string): string {
  return `${place} ${model}`;
}

export function knownRules(key: string, memory: ModelMemory | undefined): readonly string[] {
  const own = memory?.read(key) ?? [];
  // Nothing was learned of most models.
  if (!learned.has(key)) return own;
  return [...[...(learned.get(key) ?? [])].filter((rule) => !own.includes(rule)), ...own];
}

export function forgetRule(key: string, rule: string, memory: ModelMemory | undefined): void {
  memory?.remove(key, rule);
  learned.get(key)?.delete(rule);
}

export function rememberRule(key: string, rule: string, memory: ModelMemory | undefined): void {
  memory?.add(key, rule);
  if (isOfThread(rule)) return;
  const rules = learned.get(key) ?? new Set();
  // The newest rule is the last, since a later one wins over an earlier.
  rules.delete(rule);
  rules.add(rule);
  const [first] = rules;
  if (rules.size > MAX_RULES && first !== undefined) rules.delete(first);
  // The newest model is the last: one that is in use stays.
  putNewest(learned, key, rules, MAX_MODELS);
}

/** What an agent adds to its requests may be what was refused, so what its refusals teach is the thread's own. */
export function rememberLesson(
  key: string,
  rule: string,
  { options }: ModelRequest,
  memory: ModelMemory | undefined,
): void {
  if (Object.keys(options?.extra_body ?? {}).length > 0) memory?.add(key, rule);
  else rememberRule(key, rule, memory);
}

/** One image, one item of reasoning, or what one reply seemed to show, says nothing of other threads. */
function isOfThread(rule: string): boolean {
  return rule.startsWith("image:") || rule.startsWith("items:") || rule === STARTS_THINKING;
}

/** For tests, which share one isolate. */
export function forgetRules(): void {
  learned.clear();
}
