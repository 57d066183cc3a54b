// A person's answer to a run that asks for more: which caps the run that goes on has.
import {
  type CapName,
  type Caps,
  capFields,
  capNames,
  type ReachedCap,
  type ScopedCaps,
} from "../../protocol/money/caps.ts";

/** Null if the answer raises the cap that was reached; else what is wrong with it. */
export function checkRaise(asked: ReachedCap | null, given: Record<string, unknown>): string | null {
  for (const name of capNames) {
    const value = given[name];
    if (value === undefined || value === null) continue;
    const read = capFields[name].safeParse(value);
    if (!read.success) return `${name}: ${read.error.issues[0]?.message}`;
  }
  if (asked === null) return null;
  const value = given[asked.name];
  const limit = asked.limit ?? 0;
  if (typeof value === "number") return value > limit ? null : `${asked.name} must be more than ${limit}`;
  // Twice nothing is nothing.
  return limit > 0 ? null : `${asked.name} is 0: the answer must say how much it is to be`;
}

/** Only raises. Without a number, the cap that was reached is doubled. */
export function raiseCaps(caps: ScopedCaps[], asked: ReachedCap | null, given: Record<string, unknown>): ScopedCaps[] {
  const raised = new Map<CapName, number>();
  if (asked?.limit !== undefined) raised.set(asked.name, asked.limit * 2);
  for (const name of capNames) {
    const value = given[name];
    if (typeof value === "number") raised.set(name, value);
  }
  return caps.map((each) => {
    const higher: Caps = {};
    for (const [name, value] of raised) {
      const limit = each[name];
      if (limit != null && limit < value) higher[name] = value;
    }
    return { ...each, ...higher };
  });
}
