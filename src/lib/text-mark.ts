// A short mark of a text, for who has to store whether a text is still the same and not the text itself.

/** FNV-1a, 2 × 32 bits, and the length. Nobody gains by finding two texts with one mark. */
export function markOf(text: string): string {
  let one = 0x811c9dc5;
  let other = 0x01000193;
  for (let place = 0; place < text.length; place++) {
    const unit = text.charCodeAt(place);
    one = Math.imul(one ^ unit, 0x01000193);
    other = Math.imul(other ^ (unit + place), 0x85ebca6b);
  }
  return `${(one >>> 0).toString(36)}.${(other >>> 0).toString(36)}.${text.length.toString(36)}`;
}
