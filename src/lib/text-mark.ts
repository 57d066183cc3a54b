// A short fingerprint of a text, stored in place of the text to detect whether it has changed.

/** FNV-1a, 2 × 32 bits, and the length. Not collision-resistant: nobody gains from two texts with one mark. */
export function markOf(text: string): string {
  let one = 0x811c9dc5;
  let other = 0x01000193;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    one = Math.imul(one ^ unit, 0x01000193);
    other = Math.imul(other ^ (unit + index), 0x85ebca6b);
  }
  return `${(one >>> 0).toString(36)}.${(other >>> 0).toString(36)}.${text.length.toString(36)}`;
}
