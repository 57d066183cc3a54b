// Compares two versions of an agent field by field, as values and not as text, so the order of an object's keys makes
// no difference.
import type { AgentConfig } from "./agent.ts";

/** An agent's version without its number. */
export interface VersionContent {
  name: string;
  config: AgentConfig;
}

export interface AgentChange {
  field: string;
  from: unknown;
  to: unknown;
}

/** The fields that differ, the name first. */
export function findChanges(from: VersionContent, to: VersionContent): AgentChange[] {
  const before: Record<string, unknown> = { name: from.name, ...from.config };
  const after: Record<string, unknown> = { name: to.name, ...to.config };
  return Object.keys({ ...before, ...after })
    .filter((field) => toText(before[field]) !== toText(after[field]))
    .map((field) => ({ field, from: before[field] ?? null, to: after[field] ?? null }));
}

function toText(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)));
  });
}
