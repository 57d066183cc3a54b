// Long texts that readers take at their own pace, in pieces. A reader that waits amid a text holds a place in it and not the
// text, which may be megabytes, while there may be hundreds of readers: it is made again for the next piece. What was made
// last is remembered, so that one reader that keeps up, or several side by side, have it made once.

// In characters. All objects of a process share its 128 MB.
const PIECE_CHARS = 32 * 1024;
const MEMORY_CHARS = 4 * 1024 * 1024;

// Objects of one isolate share module scope; texts and counts may live there.
const recent = new Map<string, string>();
let remembered = 0;
let owners = 0;

/** A prefix of keys that nothing else in this process has. */
export function newTextOwner(): string {
  owners += 1;
  return `${owners}:`;
}

/** The text that `make` makes each time it is called, which `key` names. */
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

/** A surrogate pair is not parted. */
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
  // What fits into a piece is not asked for again.
  if (text.length <= PIECE_CHARS) return text;
  recent.set(key, text);
  remembered += text.length;
  for (const [oldest, { length }] of recent) {
    // The newest stays however long it is: made again for each piece, it would take time by the square of its length.
    if (remembered <= MEMORY_CHARS || oldest === key) break;
    recent.delete(oldest);
    remembered -= length;
  }
  return text;
}

/** Characters that this process remembers. */
export function rememberedChars(): number {
  return remembered;
}
