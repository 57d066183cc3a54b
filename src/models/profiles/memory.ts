// Which rules are known of a server and model: those of the thread, which outlive this isolate, and those that any
// thread of this isolate has learned. An image is one thread's own.
import type { ModelMemory } from "../../agent/model.ts";

/** Of this isolate, by server and model. A deployment has one server and a handful of models. */
const learned = new Map<string, Set<string>>();
const MAX_MODELS = 200;
const MAX_RULES = 32;

export function keyOf(host: string, model: string): string {
  return `${host} ${model}`;
}

export function knownRules(key: string, memory: ModelMemory | undefined): string[] {
  return [...new Set([...(learned.get(key) ?? []), ...(memory?.read(key) ?? [])])];
}

export function rememberRule(key: string, rule: string, memory: ModelMemory | undefined): void {
  memory?.add(key, rule);
  if (rule.startsWith("image:")) return;
  const rules = learned.get(key) ?? new Set();
  if (rules.size >= MAX_RULES) return;
  rules.add(rule);
  // The newest is the last: a model that is in use stays.
  learned.delete(key);
  learned.set(key, rules);
  const [oldest] = learned.keys();
  if (learned.size > MAX_MODELS && oldest !== undefined) learned.delete(oldest);
}

/** For tests, which share one isolate. */
export function forgetRules(): void {
  learned.clear();
}
