// JSON that others send and that is stored, or copied into prompts, is bounded in every direction.

interface JsonBounds {
  characters: number;
  levels: number;
}

/** What is wrong with a value, in a clause; null where it is within the bounds. */
export function findJsonFault(value: unknown, { characters, levels }: JsonBounds): string | null {
  if (isDeeperThan(value, levels)) return `is nested deeper than ${levels} levels`;
  const json = JSON.stringify(value) ?? "";
  if (json.length > characters) return `is larger than ${characters} characters of JSON`;
  // `JSON.stringify` escapes what is not well-formed, and a backslash before the escape is itself doubled.
  return /(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(json) ? "is not well-formed Unicode (a lone surrogate)" : null;
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}
