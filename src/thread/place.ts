// Keeps threads from being lost when JURISDICTION is changed. Under another jurisdiction the same name is another object,
// which is empty: threads would look as if they were gone, and be made again beside themselves. So D1 remembers with which
// one the deployment began, and an object that has no thread asks before it says so or makes one. An object that has its
// thread is in the right place and asks nothing.
import type { PlaceSettings } from "../config/place.ts";
import { logError } from "../lib/log.ts";
import { withinTime } from "../lib/time-limit.ts";
import { type Failure, fail } from "../protocol/error.ts";
import { readJurisdiction, rememberJurisdiction } from "../store/server/deployment.ts";
import { clock } from "./ports.ts";

/** Who makes a thread waits for D1 as long again. */
const D1_LIMIT_MS = 3_000;

/** It can't change while an isolate lives. */
const settled = new WeakSet<PlaceSettings>();

/** What is wrong with the place, in words; null if nothing is. Rejects if D1 fails. */
export async function findMisplacement(settings: PlaceSettings, db: D1Database, makes = false): Promise<string | null> {
  const { jurisdiction, place_problem } = settings;
  if (place_problem !== null) return `${place_problem}. Until it is, no thread is made.`;
  if (settled.has(settings)) return null;
  const given = jurisdiction ?? "";
  const find = makes && jurisdiction !== null ? rememberJurisdiction : readJurisdiction;
  const begun = await withinTime(clock, D1_LIMIT_MS, "D1", find(db, given));
  if (begun !== given) return describe(jurisdiction, begun);
  // Before the first thread, what was only read is not remembered yet.
  if (makes || jurisdiction === null) settled.add(settings);
  return null;
}

/** The same as a failure. While D1 fails nobody knows, and an outage stops no thread. */
export async function checkPlace(
  settings: PlaceSettings,
  db: D1Database,
  makes = false,
): Promise<{ ok: false; error: Failure } | null> {
  try {
    const words = await findMisplacement(settings, db, makes);
    return words === null ? null : fail("not_configured", words);
  } catch (error) {
    logError("place_not_checked", error, {});
    return null;
  }
}

function describe(jurisdiction: string | null, begun: string): string {
  const now = jurisdiction === null ? "is not set" : `is "${jurisdiction}"`;
  const then = begun === "" ? "without one" : `with "${begun}"`;
  const back = begun === "" ? "Remove it" : `Set it to "${begun}"`;
  return `JURISDICTION ${now}, and this deployment's threads began ${then}. They can't move. ${back}, or deploy anew with a database of its own.`;
}
