// Which rules are known of a server and model: those of the thread, which outlive this isolate, and those that any
// thread of this isolate has learned. An image is one thread's own.
import type { ModelMemory, ModelRequest } from "../../agent/model.ts";
import { putNewest } from "../../lib/memory/newest.ts";
import { STARTS_THINKING } from "./rules.ts";

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
