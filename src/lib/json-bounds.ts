// Limits the size and depth of JSON that clients send and that is stored or copied into prompts.

interface JsonBounds {
  characters: number;
  levels: number;
}

/** What is wrong with a value, as the end of a sentence; null if it is within the bounds. */
export function findJsonFault(value: unknown, { characters, levels }: JsonBounds): string | null {
  if (isDeeperThan(value, levels)) return `is nested deeper than ${levels} levels`;
  // Of a number such as 1e400, JSON.parse makes infinity, and JSON.stringify makes null of that.
  if (hasInfinity(value)) return "has a number that JSON can't have";
  const json = JSON.stringify(value) ?? "";
  if (json.length > characters) return `is larger than ${characters} characters of JSON`;
  // `JSON.stringify` escapes lone surrogates, and doubles a backslash that the text itself has before such an escape.
  return /(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(json) ? "is not well-formed Unicode (a lone surrogate)" : null;
}

export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}

function hasInfinity(value: unknown): boolean {
  if (typeof value === "number") return !Number.isFinite(value);
  return typeof value === "object" && value !== null && Object.values(value).some(hasInfinity);
}
