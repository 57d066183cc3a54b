// The files that say what a check means, such as its tests: whether they are still as they were when it was made.
import type { Check } from "../../../protocol/plan/check.ts";
import { SandboxError } from "../../sandbox.ts";
import type { CheckPlace } from "../place.ts";
import type { WantedCheck } from "../runner.ts";
import { noTime } from "./look.ts";
import { TIME_OVER } from "./ports.ts";

/** By path; a sentence if they can't be read. */
export type ProtectedHashes = ReadonlyMap<string, string | null> | string;

const MAX_ALTERED = 20;

type InTime = <Value>(work: (signal: AbortSignal) => Promise<Value>) => Promise<Value>;

export async function readProtected(
  wanted: readonly WantedCheck[],
  place: CheckPlace | undefined,
  inTime: InTime,
): Promise<ProtectedHashes> {
  const paths = [
    ...new Set(
      wanted.flatMap(({ check, needs }) => [...(check.protected ?? []), ...(needs ?? [])]).map(({ path }) => path),
    ),
  ];
  if (paths.length === 0) return new Map();
  if (place === undefined) return "There is no sandbox here in which it could run.";
  try {
    const hashes = await inTime((signal) => place.hashFiles(paths, signal));
    return new Map(paths.map((path, at) => [path, hashes[at] ?? null]));
  } catch (error) {
    if (error === TIME_OVER) return noTime().reason;
    if (error instanceof SandboxError) return `Its protected files can't be read: ${error.message}`;
    throw error;
  }
}

/** The protected files that differ before or after; a sentence if that can't be determined. */
export function readAltered(check: Check, before: ProtectedHashes, after: ProtectedHashes): string[] | string {
  const own = check.protected ?? [];
  if (own.length === 0) return [];
  if (typeof before === "string") return before;
  if (typeof after === "string") return after;
  const altered = own.filter(({ path, hash }) => before.get(path) !== hash || after.get(path) !== hash);
  return altered.slice(0, MAX_ALTERED).map(({ path }) => path);
}

/** Why a check that needs a person's approval does not run; null if it may. */
export function findUnapproved(wanted: readonly WantedCheck[], before: ProtectedHashes): string | null {
  for (const { needs } of wanted) {
    if (needs === undefined) continue;
    if (needs === null) return "It waits for a person, who has to approve its command first.";
    if (needs.length === 0) continue;
    if (typeof before === "string") return before;
    const changed = needs.find(({ path, hash }) => before.get(path) !== hash);
    if (changed !== undefined)
      return `It waits for a person: ${JSON.stringify(changed.path)} has changed since they approved its command.`;
  }
  return null;
}
