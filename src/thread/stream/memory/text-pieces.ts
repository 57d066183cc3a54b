// Long texts that readers take at their own pace, in pieces. A reader in the middle of a text holds its offset and not
// the text, which may be megabytes, while there may be hundreds of readers. The text is made again for the next piece.
// The newest texts are cached, so a text is made once for one reader that keeps up, or for several side by side.

import { Room } from "../../../lib/memory/room.ts";
import { bytesOf } from "../../../lib/memory/text-bytes.ts";
import { writeChars } from "./writes.ts";

/** In characters. */
const PIECE_CHARS = 32 * 1024;
/** For all objects of the isolate. */
const MAX_BYTES = 4 * 1024 * 1024;

// Objects of one isolate share module scope; texts and counts may live there.
const recent = new Map<string, { text: string; bytes: number }>();
const room = new Room("texts", MAX_BYTES);
let owners = 0;

/** A prefix of keys that is unique in this process. */
export function newTextOwner(): string {
  owners += 1;
  return `${owners}:`;
}

/**
 * The text that `make` returns, in pieces. `make` may be called several times and returns the same text; `key` names
 * it.
 */
export function* inPieces(key: string, make: () => string): Generator<string> {
  let at = 0;
  const next = (): string => {
    const text = recall(key, make);
    const start = at;
    at = pieceEnd(text, start);
    const piece = text.slice(start, at);
    if (at >= text.length) at = Number.POSITIVE_INFINITY;
    return piece;
  };
  while (at < Number.POSITIVE_INFINITY) yield next();
}

/** Never splits a surrogate pair. */
function pieceEnd(text: string, start: number): number {
  const end = start + Math.min(PIECE_CHARS, writeChars());
  if (end >= text.length) return text.length;
  const last = text.charCodeAt(end - 1);
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}

function recall(key: string, make: () => string): string {
  const known = recent.get(key);
  if (known !== undefined) return known.text;
  const text = make();
  // A text that fits into one piece is not needed again.
  if (text.length <= PIECE_CHARS) return text;
  const bytes = bytesOf(text);
  recent.set(key, { text, bytes });
  room.add(bytes);
  shrink();
  return text;
}

/** The newest stays however long it is. Made again for each piece, it would take time quadratic in its length. */
function shrink(): void {
  for (const [oldest, known] of recent) {
    if (room.fits(0) || recent.size === 1) return;
    recent.delete(oldest);
    room.add(-known.bytes);
  }
}

/** Of this process's cache. */
export function rememberedBytes(): number {
  return room.held;
}
