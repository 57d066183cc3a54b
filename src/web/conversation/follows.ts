// Whether the conversation goes on following its end after it was scrolled.

/** Coming down this near to the end is coming back to it. */
const nearEndPx = 80;

/** A browser rounds. */
const stillPx = 2;

/**
 * `left`: how far it is to the end now. `moved`: down, or up where it is less than 0. What grows below moves nothing, and what
 * shrinks leaves the end in sight: only a person's going up, were it a single line, leaves it.
 */
export function followsAfter(before: boolean, { left, moved }: { left: number; moved: number }): boolean {
  if (left <= stillPx) return true;
  if (moved < 0) return moved > -stillPx && before;
  return before || (moved > 0 && left < nearEndPx);
}
