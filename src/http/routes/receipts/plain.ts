// Text of the sandbox and of models for a document: what a terminal would draw, and what no text may hold, is gone. Every
// regular expression here takes linear time.
import { cutEnd } from "../../../lib/truncate.ts";

const REPLACEMENT = "\ufffd";

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours and movements of a terminal
const SEQUENCES = /\u001b\[[0-9;?]*[@-~]/g;

/** Line ends of Windows, and of programs that draw over a line. */
const LINE_ENDS = /\r\n?/g;

/**
 * Control characters but tab and line feed, and what XML forbids; and marks of direction, with which a text would show
 * other words than it holds.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g;

export function toPlain(text: string): string {
  return text.replace(SEQUENCES, "").replace(LINE_ENDS, "\n").replace(FORBIDDEN, REPLACEMENT).toWellFormed();
}

/** On one line, at most so long. */
export function toPlainLine(text: string, most: number): string {
  const line = toPlain(text.length > 4 * most ? cutEnd(text, 4 * most) : text)
    .replace(/\s+/gu, " ")
    .trim();
  return line.length > most ? `${cutEnd(line, most - 1)}…` : line;
}
