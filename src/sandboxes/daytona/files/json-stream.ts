// JSON answers that may be larger than memory, read while they arrive: one string of an object, or the objects of an array.

/** What a reader does with a piece; false ends the reading, and with it the transfer. */
type OnPiece<Value> = (value: Value) => boolean;

/** The value of the field `name` of a flat object, in pieces. An answer that is no JSON is taken whole. */
export async function readStringField(response: Response, name: string, onPiece: OnPiece<string>): Promise<void> {
  if (!response.headers.get("content-type")?.includes("json")) {
    await readText(response, onPiece);
    return;
  }
  let inString = false;
  let isValue = false;
  let key = "";
  let rest = "";
  await readText(response, (text) => {
    rest += text;
    for (;;) {
      if (!inString) {
        const begin = rest.indexOf('"');
        const between = begin === -1 ? rest : rest.slice(0, begin);
        if (/[:,{]/.test(between)) isValue = between.lastIndexOf(":") > between.lastIndexOf(",");
        rest = begin === -1 ? "" : rest.slice(begin + 1);
        if (begin === -1) return true;
        if (!isValue) key = "";
        inString = true;
      }
      const { end, closed } = measureString(rest);
      const piece = decodeString(rest.slice(0, end));
      if (!isValue) key += piece;
      else if (key === name && piece !== "" && !onPiece(piece)) return false;
      rest = rest.slice(closed ? end + 1 : end);
      if (!closed) return true;
      inString = false;
      if (isValue && key === name) return false;
    }
  });
}

/** How far the string goes that `text` is in: to its closing quote, or to the last whole character of the piece. */
function measureString(text: string): { end: number; closed: boolean } {
  for (let quote = text.indexOf('"'); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    if (countBackslashes(text, quote) % 2 === 0) return { end: quote, closed: true };
  }
  let end = text.length;
  // An escape that the piece cuts, and before it the first half of a surrogate pair: both halves are decoded together.
  const cut = text.lastIndexOf("\\");
  const length = text[cut + 1] === "u" ? 6 : 2;
  if (cut !== -1 && cut + length > end && countBackslashes(text, cut + 1) % 2 === 1) end = cut;
  const half = end - 6;
  const isHalf = half >= 0 && /^\\u[dD][89abAB]/.test(text.slice(half, end));
  if (isHalf && countBackslashes(text, half + 1) % 2 === 1) end = half;
  return { end, closed: false };
}

/** How many stand right before the place. */
function countBackslashes(text: string, place: number): number {
  let start = place;
  while (start > 0 && text[start - 1] === "\\") start--;
  return place - start;
}

function decodeString(escaped: string): string {
  if (!escaped.includes("\\")) return escaped;
  return JSON.parse(`"${escaped}"`) as string;
}

/** Objects of a flat array one after another; one that is longer than `limit` characters is passed over. */
export async function readObjects(response: Response, limit: number, onObject: OnPiece<unknown>): Promise<void> {
  let depth = 0;
  let inString = false;
  let escaped = false;
  let current = "";
  await readText(response, (text) => {
    let start = 0;
    for (let index = 0; index < text.length; index++) {
      const character = text[index];
      if (inString) {
        if (escaped) escaped = false;
        else if (character === "\\") escaped = true;
        else if (character === '"') inString = false;
      } else if (character === '"') {
        inString = true;
      } else if (character === "{") {
        if (depth++ === 0) start = index;
      } else if (character === "}" && --depth === 0) {
        current += text.slice(start, index + 1);
        if (current.length <= limit && !onObject(JSON.parse(current))) return false;
        current = "";
      }
    }
    // One over the limit is kept only as far as its length shows that it is.
    if (depth > 0 && current.length <= limit) current += text.slice(start);
    return true;
  });
}

/** The text of an answer in pieces; the transfer ends when `onPiece` says so. */
async function readText(response: Response, onPiece: OnPiece<string>): Promise<void> {
  if (!response.body) return;
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const text = decoder.decode(value, { stream: !done });
      if (text !== "" && !onPiece(text)) break;
      if (done) break;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** The bytes of an answer, or null when there are more than `limit`. */
export async function readBytes(response: Response, limit: number): Promise<Uint8Array | null> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  if (!response.body) return new Uint8Array();
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > limit) return null;
      pieces.push(value);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  const bytes = new Uint8Array(length);
  let position = 0;
  for (const piece of pieces) {
    bytes.set(piece, position);
    position += piece.length;
  }
  return bytes;
}
