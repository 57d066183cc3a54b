// Cuts text to a limit without splitting a surrogate pair. Lengths are UTF-16 units, as `length` counts them.

/** The first `limit` units of the text, one less if the cut would split a pair. */
export function cutEnd(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const end = Math.max(0, Math.floor(limit));
  return text.slice(0, splitsPair(text, end) ? end - 1 : end);
}

/**
 * Keeps the head and the tail within `limit` units, with a notice in place of the middle. The tail gets the larger
 * half, since the end of a command's output (its error, its totals) is the most useful part. If not even the notice
 * fits, only the head stays. The notice may name how many units are missing, and after how many.
 */
export function cutMiddle(text: string, limit: number, notice: (omitted: number, at: number) => string): string {
  if (text.length <= limit) return text;
  // Both numbers depend on the notice's own length, so the longest notice is measured.
  const room = limit - notice(text.length, text.length).length;
  if (room <= 0) return cutEnd(text, limit);
  const head = cutEnd(text, Math.floor(room * 0.4));
  const tail = cutStart(text, Math.floor(room * 0.6));
  return head + notice(text.length - head.length - tail.length, head.length) + tail;
}

/** The last `limit` units of the text, one less if the cut would split a pair. */
export function cutStart(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const start = text.length - limit;
  return text.slice(splitsPair(text, start) ? start + 1 : start);
}

function splitsPair(text: string, at: number): boolean {
  return isHighSurrogate(text.charCodeAt(at - 1)) && isLowSurrogate(text.charCodeAt(at));
}

export function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
