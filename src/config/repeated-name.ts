// JSON with a name twice in one object: a parser keeps the last one without a word, and what was meant is lost.

/** A string, with a colon if it is a name; or what opens and closes objects and lists. */
const tokens = /("(?:[^"\\]|\\.)*"?)\s*(:?)|[{}[\]]/gs;

/** Of a text that is JSON. Null if no object has a name twice. */
export function findRepeatedName(json: string): string | null {
  /** The names of the open objects; null for a list. */
  const open: (Set<string> | null)[] = [];
  for (const [token, text, colon] of json.matchAll(tokens)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(null);
    else if (token === "}" || token === "]") open.pop();
    else if (text !== undefined && colon === ":") {
      const name = String(JSON.parse(text));
      const names = open.at(-1);
      if (names?.has(name)) return name;
      names?.add(name);
    }
  }
  return null;
}
