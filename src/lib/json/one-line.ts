// JSON that stays one line for clients that end a line where Unicode does. A stream's lines end with CR or LF alone, and
// JSON escapes both. But httpx for Python, and others that split a text as Python does, also end a line at NEL and at
// Unicode's separators of lines and paragraphs: https://docs.python.org/3/library/stdtypes.html#str.splitlines

const lineEnds = /[\u0085\u2028\u2029]/;
const allLineEnds = /[\u0085\u2028\u2029]/g;

/** As `JSON.stringify`, of something that has a JSON. */
export function toOneLine(value: object | string): string {
  const json = JSON.stringify(value);
  return lineEnds.test(json) ? json.replace(allLineEnds, escapeUnit) : json;
}

function escapeUnit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
