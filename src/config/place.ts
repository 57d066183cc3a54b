// Where the objects of threads are. Both settings are chosen before the first thread: an object can't move, and the same
// name under another jurisdiction is another object, which knows nothing of the thread (thread/place.ts).

export interface PlaceSettings {
  /** The only place where the objects run and store; null for none. */
  jurisdiction: Jurisdiction | null;
  /** Near where new objects are made; null for near whoever asks first. */
  location_hint: LocationHint | null;
  /** What is wrong with them. Then no thread is reached: a misspelt place would be no place. */
  place_problem: string | null;
}

const jurisdictions = ["eu", "us", "fedramp", "fedramp-high"] as const;
const locations = ["wnam", "enam", "sam", "weur", "eeur", "apac", "apac-ne", "apac-se", "oc", "afr", "me"] as const;
type Jurisdiction = (typeof jurisdictions)[number];
type LocationHint = (typeof locations)[number];

export function readPlaceSettings(env: { JURISDICTION?: unknown; LOCATION_HINT?: unknown }): PlaceSettings {
  const jurisdiction = choose("JURISDICTION", env.JURISDICTION, jurisdictions);
  const hint = choose("LOCATION_HINT", env.LOCATION_HINT, locations);
  return {
    jurisdiction: jurisdiction.value,
    location_hint: hint.value,
    place_problem: jurisdiction.problem ?? hint.problem,
  };
}

function choose<Value extends string>(
  name: string,
  given: unknown,
  known: readonly Value[],
): { value: Value | null; problem: string | null } {
  const text = typeof given === "string" ? given.trim().toLowerCase() : (given ?? "");
  const value = known.find((one) => one === text) ?? null;
  const problem = value === null && text !== "" ? `${name} must be one of ${known.join(", ")}` : null;
  return { value, problem };
}
