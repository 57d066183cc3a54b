// Whether the conversation goes on following its end after it was scrolled.

/** Coming down this near to the end is coming back to it. */
const nearEndPx = 80;

/** A browser rounds. */
const stillPx = 2;

export interface Scrolled {
  /** How far it is to the end now. */
  left: number;
  /** Down, or up where it is less than 0. */
  moved: number;
  /** Whether a person turned the wheel, pressed a key or touched the list just before. */
  isByPerson: boolean;
  /** How much of the list is in sight. */
  page: number;
}

/**
 * What grows below moves nothing, and what shrinks leaves the end in sight; rows that turn out to be of another height than was
 * thought are moved by the list. A person's going up, were it a single line, leaves the end, and so does going up by more than a
 * page, whoever asked for it: a search, or a program that reads aloud.
 */
export function followsAfter(before: boolean, { left, moved, isByPerson, page }: Scrolled): boolean {
  if (left <= stillPx) return true;
  if (moved <= -stillPx && (isByPerson || -moved > page)) return false;
  return before || (moved > 0 && left < nearEndPx);
}
