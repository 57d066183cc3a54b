// Keeps threads from being lost when JURISDICTION is changed. Under another jurisdiction the same name is another
// object, which is empty: threads would look as if they were gone, and be made again beside themselves. So D1 remembers
// with which one the deployment began, and an object that has no thread asks before it says so or makes one. An object
// that has its thread is in the right place and asks nothing.
import type { PlaceSettings } from "../config/place.ts";
import { logError } from "../lib/log.ts";
import { withinTime } from "../lib/time-limit.ts";
import { type Failure, fail } from "../protocol/error.ts";
import { readJurisdiction, rememberJurisdiction } from "../store/server/deployment.ts";
import { clock } from "./ports.ts";

/** Whoever makes a thread waits for D1 as long again. */
const D1_LIMIT_MS = 3_000;

/** It can't change while an isolate lives. `made`: D1 has remembered it, as it must before a thread is made. */
const settled = new WeakMap<PlaceSettings, "read" | "made">();

/** What is wrong with the place, in words; null if nothing is. Rejects if D1 fails. */
export async function findMisplacement(settings: PlaceSettings, db: D1Database, makes = false): Promise<string | null> {
  const { jurisdiction, place_problem } = settings;
  if (place_problem !== null) return `${place_problem}. Until it is, no thread is made.`;
  const known = settled.get(settings);
  if (known === "made" || (known === "read" && !makes)) return null;
  const given = jurisdiction ?? "";
  const find = makes ? rememberJurisdiction : readJurisdiction;
  const begun = await withinTime(clock, D1_LIMIT_MS, "D1", find(db, given));
  if (begun !== given) return describe(jurisdiction, begun);
  // Before the first thread, what was only read is not remembered yet: with a jurisdiction it is asked again.
  if (makes) settled.set(settings, "made");
  else if (jurisdiction === null) settled.set(settings, "read");
  return null;
}

/** The same as a failure. While D1 fails nobody knows, and an outage stops no thread. */
export async function checkPlace(settings: PlaceSettings, db: D1Database, makes = false): Promise<Misplaced | null> {
  try {
    return await requirePlace(settings, db, makes);
  } catch (error) {
    logError("place_not_checked", error, {});
    return null;
  }
}

type Misplaced = { ok: false; error: Failure };

/**
 * The same for whoever ends or deletes in D1 what has no object: rejects while D1 fails, since the objects may be
 * elsewhere.
 */
export async function requirePlace(settings: PlaceSettings, db: D1Database, makes = false): Promise<Misplaced | null> {
  const words = await findMisplacement(settings, db, makes);
  return words === null ? null : fail("not_configured", words);
}

function describe(jurisdiction: string | null, begun: string): string {
  const now = jurisdiction === null ? "is not set" : `is "${jurisdiction}"`;
  const then = begun === "" ? "without one" : `with "${begun}"`;
  const back = begun === "" ? "Remove it" : `Set it to "${begun}"`;
  return `JURISDICTION ${now}, and this deployment's threads began ${then}. They can't move. ${back}, or deploy anew with a database of its own.`;
}
