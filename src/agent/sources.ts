// Port: the sources that an answer may cite. A search result or a page gets a number that stays the same for its address
// in the whole thread, so that `[3]` in a later answer still means the same page.

export interface Source {
  n: number;
  /** Without its fragment, as `toSourceUrl` writes it. */
  url: string;
  title: string | null;
  /** When it was published, ISO 8601 or a date, where the service or the page says so. */
  date: string | null;
  /** When its text was read, ISO 8601, and the SHA-256 of that text in hex. Null if it was found and not read. */
  read: { at: string; hash: string } | null;
}

/** Owned by the thread's life. Nothing here throws for what a model or a page wrote. */
export interface Sources {
  /**
   * The number of an address. Two calls that run at the same time get different ones. It is stored with the result that
   * lists it in `sources`; the number of a call that dies before that is free again.
   */
  number(url: string): number;
  /**
   * Whether an address has a number, in any of these forms, or is in a person's message or in a result of a tool that
   * says so. What the model wrote itself names nothing, nor does a result of any other tool, since it may repeat what
   * the model wrote.
   */
  isNamed(...forms: string[]): boolean;
  /** What the thread has read, the newest `limit` of it by number. */
  listRead(limit: number): Source[];
}

/** The form of an address under which it is numbered. Null if it is none. */
export function toSourceUrl(address: string): string | null {
  const url = URL.parse(address);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) return null;
  url.hash = "";
  url.username = "";
  url.password = "";
  return url.href;
}
