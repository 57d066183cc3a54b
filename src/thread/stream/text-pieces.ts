// Long texts that readers take at their own pace, in pieces. A reader in the middle of a text holds its offset and not
// the text, which may be megabytes, while there may be hundreds of readers. The text is made again for the next piece.
// The newest texts are cached, so a text is made once for one reader that keeps up, or for several side by side.

// In characters. All objects of a process share its 128 MB.
const PIECE_CHARS = 32 * 1024;
const MEMORY_CHARS = 4 * 1024 * 1024;

// Objects of one isolate share module scope; texts and counts may live there.
const recent = new Map<string, string>();
let remembered = 0;
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
  const end = start + PIECE_CHARS;
  if (end >= text.length) return text.length;
  const last = text.charCodeAt(end - 1);
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}

function recall(key: string, make: () => string): string {
  const known = recent.get(key);
  if (known !== undefined) return known;
  const text = make();
  // A text that fits into one piece is not needed again.
  if (text.length <= PIECE_CHARS) return text;
  recent.set(key, text);
  remembered += text.length;
  for (const [oldest, { length }] of recent) {
    // The newest stays however long it is. Made again for each piece, it would take time quadratic in its length.
    if (remembered <= MEMORY_CHARS || oldest === key) break;
    recent.delete(oldest);
    remembered -= length;
  }
  return text;
}

/** Characters in this process's cache. */
export function rememberedChars(): number {
  return remembered;
}
