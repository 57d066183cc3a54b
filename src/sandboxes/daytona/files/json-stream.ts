// Reads answers while they arrive, since they may exceed the memory: one string of a JSON object, or bytes up to a limit.
import { SandboxError } from "../../../agent/sandbox.ts";
import { type Leave, SMALL_BYTES, workRoom } from "../../../lib/memory/room.ts";

/** Handles a piece. Returns false to end the reading, and with it the transfer. */
type OnPiece<Value> = (value: Value) => boolean;

/** Reads the field `name` of a flat object in pieces. Passes an answer that is not JSON on as a whole. */
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

/** The end of the string that `text` continues: its closing quote, or the last whole character of the piece. */
function measureString(text: string): { end: number; closed: boolean } {
  for (let quote = text.indexOf('"'); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    if (countBackslashes(text, quote) % 2 === 0) return { end: quote, closed: true };
  }
  let end = text.length;
  // Leaves out an escape that the piece cuts, and the first half of a surrogate pair: both halves are decoded together.
  const cut = text.lastIndexOf("\\");
  const length = text[cut + 1] === "u" ? 6 : 2;
  if (cut !== -1 && cut + length > end && countBackslashes(text, cut + 1) % 2 === 1) end = cut;
  const half = end - 6;
  const isHalf = half >= 0 && /^\\u[dD][89abAB]/.test(text.slice(half, end));
  if (isHalf && countBackslashes(text, half + 1) % 2 === 1) end = half;
  return { end, closed: false };
}

/** How many backslashes are directly before the place. */
function countBackslashes(text: string, place: number): number {
  let start = place;
  while (start > 0 && text[start - 1] === "\\") start--;
  return place - start;
}

function decodeString(escaped: string): string {
  if (!escaped.includes("\\")) return escaped;
  return JSON.parse(`"${escaped}"`) as string;
}

/** Reads an answer's text in pieces. Ends the transfer when `onPiece` returns false. */
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

/** In this time, what was read has become what it is read for: a part of a text, or a list. */
const READ_MS = 100;
/** The bytes twice while they are put together, then their text with two bytes a character. */
const TIMES = 3;

/** What was announced, or all that is accepted. */
function lengthOf({ headers }: Response, limit: number): number {
  const length = Number(headers.get("content-length") ?? limit);
  return length > 0 && length < limit ? Math.floor(length) : limit;
}

/**
 * The bytes of an answer; null if there are more than `limit`. What is more than small waits until the isolate has room:
 * the sandbox then waits, too. From there on each piece is copied at once, so that it can be freed while it is young.
 */
export async function readBytes(response: Response, limit: number): Promise<Uint8Array | null> {
  let bytes = new Uint8Array();
  let length = 0;
  let leave: Leave | null = null;
  if (!response.body) return bytes;
  const pieces: Uint8Array[] = [];
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > limit) return null;
      pieces.push(value);
      if (leave === null && length < SMALL_BYTES) continue;
      leave ??= await workRoom.enter(TIMES * lengthOf(response, limit));
      if (leave === null) throw new SandboxError("failed", "The server has no memory left for so long an answer.");
      // An announced length may be wrong.
      const announced = lengthOf(response, limit);
      if (bytes.length < length) bytes = extend(bytes, announced < length ? limit : announced);
      copy(pieces, bytes, length);
    }
  } finally {
    if (leave !== null) setTimeout(leave, READ_MS);
    await reader.cancel().catch(() => undefined);
  }
  if (bytes.length < length) bytes = extend(bytes, length);
  copy(pieces, bytes, length);
  return bytes.length === length ? bytes : bytes.slice(0, length);
}

function extend(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const longer = new Uint8Array(length);
  longer.set(bytes);
  return longer;
}

/** Empties the pieces, which end at `end`. */
function copy(pieces: Uint8Array[], bytes: Uint8Array, end: number): void {
  let position = end - pieces.reduce((sum, piece) => sum + piece.length, 0);
  for (const piece of pieces.splice(0)) {
    bytes.set(piece, position);
    position += piece.length;
  }
}
