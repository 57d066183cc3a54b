// Splits a text into its Markdown blocks while it arrives. Text only grows at its end, and a block is complete once
// another follows it. Only what comes after the last complete block is read again, so a frame of a long answer costs no
// more than one of a short answer.
import { lexer, type Token } from "marked";

/** For a text that grows: its complete blocks stay the same strings. */
export class BlockReader {
  #text = "";
  #settled: string[] = [];
  /** How many characters of the text they cover. */
  #length = 0;

  read(text: string): string[] {
    if (!text.startsWith(this.#text)) {
      this.#settled = [];
      this.#length = 0;
    }
    this.#text = text;
    const rest = cutBlocks(text.slice(this.#length));
    const done = rest.slice(0, -1);
    this.#settled = done.length === 0 ? this.#settled : [...this.#settled, ...done];
    this.#length += done.reduce((sum, block) => sum + block.length, 0);
    return [...this.#settled, ...rest.slice(-1)];
  }
}

/** The Markdown parser should not be given an endless line. */
export const maxBlockCharacters = 10_000;

/** Null for a text that is nested deeper than the parser can follow. */
export function readTokens(text: string): Token[] | null {
  try {
    return lexer(text);
  } catch {
    return null;
  }
}

/**
 * Concatenated they are the text. Empty lines belong to the block before them, because a list may continue after one.
 */
function cutBlocks(text: string): string[] {
  if (text.length > maxBlockCharacters && !text.slice(0, maxBlockCharacters).includes("\n\n")) return [text];
  const blocks: string[] = [];
  let length = 0;
  for (const { type, raw } of readTokens(text) ?? []) {
    const last = blocks.length - 1;
    if (type === "space" && last >= 0) blocks[last] += raw;
    else blocks.push(raw);
    length += raw.length;
  }
  // The parser normalizes line ends and tabs. Where it did, the text stays one block, so that it is not changed.
  return length === text.length && blocks.join("") === text ? blocks : [text];
}
