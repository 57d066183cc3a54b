// Cuts a text into its Markdown blocks while it arrives. Text only grows at its end, and a block that another one follows is
// done: only what comes after the last such block is read again, so a long answer costs no more a frame than a short one.
import { lexer, type Token } from "marked";

/** Of a text that grows: the blocks it began with stay the same strings. */
export class BlockReader {
  #text = "";
  #settled: string[] = [];
  /** How much of the text they are. */
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

/** Text without an end to its line is a block that no reader of Markdown should be asked about. */
export const longestBlock = 10_000;

/** Null for a text that is nested deeper than the reader can follow. */
export function readTokens(text: string): Token[] | null {
  try {
    return lexer(text);
  } catch {
    return null;
  }
}

/** Joined they are the text. Empty lines belong to the block before them: a list may go on after one. */
function cutBlocks(text: string): string[] {
  if (text.length > longestBlock && !text.slice(0, longestBlock).includes("\n\n")) return [text];
  const blocks: string[] = [];
  let length = 0;
  for (const { type, raw } of readTokens(text) ?? []) {
    const last = blocks.length - 1;
    if (type === "space" && last >= 0) blocks[last] += raw;
    else blocks.push(raw);
    length += raw.length;
  }
  // The reader takes line ends and tabs for what they mean; where it did, the text is one block rather than another text.
  return length === text.length && blocks.join("") === text ? blocks : [text];
}
