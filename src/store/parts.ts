// Splits text by its length in UTF-8, which is what D1 measures, and never inside a character.

const encoder = new TextEncoder();

/** The bytes of a text in UTF-8, without encoding it. */
export function byteLength(text: string): number {
  return Buffer.byteLength(text);
}

/** Slices of at most `limit` bytes that join to the text. */
export function cutIntoParts(text: string, limit: number): string[] {
  const parts: string[] = [];
  const scratch = new Uint8Array(limit);
  let rest = text;
  while (rest !== "") {
    // `encodeInto` stops before the first character that does not fit completely.
    const { read } = encoder.encodeInto(rest, scratch);
    parts.push(rest.slice(0, read));
    rest = rest.slice(read);
  }
  return parts;
}
