// What reading a page gives.

export interface Page {
  title: string | null;
  /** When it was published, as it says. */
  date: string | null;
  text: string;
  /** A program of the sandbox wrote the text, and whoever works there can change the program. */
  by_sandbox?: boolean;
  /** What the reader should know about the text, in sentences. */
  notes: string[];
}

/** `message` is a complete sentence. */
export type Reading = { ok: true; page: Page } | { ok: false; message: string };
