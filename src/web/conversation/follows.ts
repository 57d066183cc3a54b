// Whether the conversation keeps following its end after a scroll.

/** Scrolling down to within this distance resumes following. */
const nearEndPx = 80;

/** Browsers round positions. */
const stillPx = 2;

export interface Scrolled {
  /** The distance to the end now. */
  left: number;
  /** Downwards, or upwards where it is negative. */
  moved: number;
  /** Whether a person used the wheel, a key or touch just before. */
  isByPerson: boolean;
  /** The height of the visible part. */
  page: number;
}

/**
 * Text that grows below moves nothing, and text that shrinks leaves the end visible; rows whose height was estimated
 * wrongly are moved by the list. A person who scrolls up, even by a line, stops following. So does any move up by more
 * than a page, whoever caused it: a search, or a screen reader.
 */
export function followsAfter(before: boolean, { left, moved, isByPerson, page }: Scrolled): boolean {
  if (left <= stillPx) return true;
  if (moved <= -stillPx && (isByPerson || -moved > page)) return false;
  return before || (moved > 0 && left < nearEndPx);
}
