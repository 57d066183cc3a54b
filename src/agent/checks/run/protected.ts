// The files that say what a check means, such as its tests: whether they are still as they were when it was made.
import type { Check } from "../../../protocol/plan/check.ts";
import { SandboxError } from "../../sandbox.ts";
import type { CheckPlace, Matches } from "../place.ts";
import { isSameMatch } from "../protected-pattern.ts";
import type { WantedCheck } from "../runner.ts";
import { noTime } from "./look.ts";
import { TIME_OVER } from "./ports.ts";

/** By pattern; a sentence if they can't be read. */
export type ProtectedHashes = ReadonlyMap<string, Matches> | string;

const MAX_ALTERED = 20;

type InTime = <Value>(work: (signal: AbortSignal) => Promise<Value>) => Promise<Value>;

export async function readProtected(
  wanted: readonly WantedCheck[],
  place: CheckPlace | undefined,
  inTime: InTime,
): Promise<ProtectedHashes> {
  const since = new Map<string, string>();
  for (const { check, needs } of wanted)
    for (const { path, hash } of [...(check.protected ?? []), ...(needs ?? [])]) since.set(path, hash ?? "");
  if (since.size === 0) return new Map();
  if (place === undefined) return "There is no sandbox here in which it could run.";
  const patterns = [...since.keys()];
  try {
    const matches = await inTime((signal) => place.hashMatches(patterns, signal, since));
    return new Map(matches.map((each, at) => [patterns[at] ?? "", each]));
  } catch (error) {
    if (error === TIME_OVER) return noTime().reason;
    if (error instanceof SandboxError) return `Its protected files can't be read: ${error.message}`;
    throw error;
  }
}

/**
 * The protected files that differ before or after, or were written between: a program may change a test while it runs and
 * change it back. A sentence if that can't be determined.
 */
export function readAltered(check: Check, before: ProtectedHashes, after: ProtectedHashes): string[] | string {
  const own = check.protected ?? [];
  if (own.length === 0) return [];
  if (typeof before === "string") return before;
  if (typeof after === "string") return after;
  const altered = own.flatMap((file) => {
    const seen = [before.get(file.path), after.get(file.path)];
    const isOther = (now: Matches | undefined) => !isSameMatch(file, now);
    if (seen.some(isOther)) return seen.find(isOther)?.altered ?? [file.path];
    return seen[0]?.moment === seen[1]?.moment ? [] : [file.path];
  });
  return [...new Set(altered)].slice(0, MAX_ALTERED);
}

/** Why a check that needs a person's approval does not run; null if it may. */
export function findUnapproved(wanted: readonly WantedCheck[], before: ProtectedHashes): string | null {
  for (const { needs } of wanted) {
    if (needs === undefined) continue;
    if (needs === null) return "It waits for a person, who has to approve its command first.";
    if (needs.length === 0) continue;
    if (typeof before === "string") return before;
    const changed = needs.find((file) => !isSameMatch(file, before.get(file.path)));
    if (changed !== undefined)
      return `It waits for a person: ${JSON.stringify(changed.path)} has changed since they approved its command.`;
  }
  return null;
}
