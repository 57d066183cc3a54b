// A short name for a long text, to be remembered or compared.

/** 64 bits (FNV-1a in two halves): a thread names dozens of texts, and nobody gains by a collision. */
export function hashText(text: string): string {
  let one = 0x811c9dc5;
  let other = 0x1000193;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other ^ code, 0x5bd1e995);
  }
  return (one >>> 0).toString(36) + (other >>> 0).toString(36);
}
