// The text of a check as a value: two specs are the same check if their canonical forms are equal.
import { isRecord } from "../../lib/is-record.ts";
import type { CheckInput } from "../../protocol/plan/check.ts";

/** What an absent field means. Written out it says the same. */
const defaults: Record<string, Record<string, unknown>> = {
  command: { exit_code: 0 },
  file: { exists: true },
  http: { status: 200 },
  git: { clean: false, pushed: false },
  person: {},
};

/** A plan's rules compare each check with each, and a check never changes. */
const texts = new WeakMap<CheckInput, string>();

/** JSON with sorted keys, without fields that only say the default. */
export function canonicalSpec(spec: CheckInput): string {
  const known = texts.get(spec);
  if (known !== undefined) return known;
  const text = writeSpec(spec);
  texts.set(spec, text);
  return text;
}

function writeSpec(spec: CheckInput): string {
  const usual: Record<string, unknown> = { ...defaults[spec.type], ...("port" in spec ? { path: "/" } : {}) };
  return toText(Object.fromEntries(Object.entries(spec).filter(([name, value]) => usual[name] !== value)));
}

export function isSameSpec(one: CheckInput, other: CheckInput): boolean {
  return one.type === other.type && canonicalSpec(one) === canonicalSpec(other);
}

/** The commands that the server runs for the check. */
export function commandsOf(spec: CheckInput): string[] {
  if (spec.type === "command") return [spec.run];
  return spec.type === "http" && spec.start !== undefined ? [spec.start.run] : [];
}

function toText(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (!isRecord(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)));
  });
}
