// What a text takes in memory: V8 keeps one byte a character, and two for each where one of them is not Latin.

const wide = /[\u0100-\uffff]/;

export function isWide(text: string): boolean {
  return wide.test(text);
}

export function bytesOf(text: string): number {
  return isWide(text) ? text.length * 2 : text.length;
}

/** The same text in memory of its own: V8 keeps a part of a text as a reference to the whole. */
export function ownText(text: string): string {
  return ` ${text}`.slice(1);
}

/** How many pieces are added between two foldings. Each folding copies the text. */
const PIECES = 4096;

/**
 * A text that grows by pieces is a tree of them, which takes forty bytes a piece beside its characters. Called with each
 * new text, this makes one string of it now and then: V8 does so before it gives out a character.
 */
export function createFolder(): (...texts: string[]) => void {
  let pieces = 0;
  return (...texts) => {
    pieces += 1;
    if (pieces % PIECES === 0) for (const text of texts) text.charCodeAt(0);
  };
}
