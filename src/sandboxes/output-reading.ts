// Reads a text as the program that printed it meant it, with the place of each character. Without quotes, without
// backslashes, and without the breaks of long lines, a secret is the same in JSON, in a shell's quotes and in wrapped
// base64. Where escapes begin with `%` (addresses) or with `\` (JSON, C, git), each counts as what it stands for. A text
// is read in each way, since a secret may have a percent sign or a backslash itself.

export interface Reading {
  codes: Uint16Array;
  /** Where each one begins in the text. */
  places: Int32Array;
  /** How many characters of the text each one takes. */
  sizes: Uint8Array;
  length: number;
  /** From here on the text may be the beginning of an escape. */
  end: number;
  /** Whether a character of the text continues an escape. */
  isWithin: Uint8Array;
}

export type EscapeMark = "" | "%" | "\\";

/** What `readText` must know of the text before: how long its last word is. */
export const NO_WORD = 0;

/** No program wraps lines shorter, and few words that end a line are longer: such a line is not held back. */
const MIN_WRAPPED = 16;

export const LINE_BREAK = 10;
const SPACE = 32;
const PLUS = 43;
const BACKSLASH = 92;

/** `mark`: what escapes begin with; empty for none. */
export function readText(text: string, word: number, mark: EscapeMark, isEnd: boolean): Reading {
  const marked = mark === "" ? -1 : mark.charCodeAt(0);
  const { length } = text;
  const codes = new Uint16Array(length);
  const places = new Int32Array(length);
  const sizes = new Uint8Array(length);
  const isWithin = new Uint8Array(mark === "" ? 0 : length + 1);
  let count = 0;
  let run = word;
  let at = 0;
  while (at < length) {
    const code = text.charCodeAt(at);
    if (code === marked) {
      const read = readEscape(text, at);
      if (read === null && !isEnd) break;
      const { size, meant } = read ?? { size: 1, meant: String.fromCharCode(code) };
      for (let index = 0; index < meant.length; index++) {
        const kept = fold(meant.charCodeAt(index));
        if (kept === 0 || kept === LINE_BREAK) continue;
        codes[count] = kept;
        places[count] = at;
        sizes[count++] = size;
      }
      isWithin.fill(1, at + 1, at + size);
      at += size;
      run++;
      continue;
    }
    const kept = fold(code);
    if (kept !== 0 && !(kept === LINE_BREAK && run >= MIN_WRAPPED)) {
      codes[count] = kept;
      places[count] = at;
      sizes[count++] = 1;
    }
    run = isBlank(code) ? NO_WORD : run + 1;
    at++;
  }
  return { codes, places, sizes, length: count, end: at, isWithin };
}

/** The length of the word that the text ends with, as `readText` needs it for what follows. */
export function measureWord(text: string, before: number): number {
  let at = text.length;
  while (at > 0 && text.length - at < MIN_WRAPPED && !isBlank(text.charCodeAt(at - 1))) at--;
  return at === 0 ? Math.min(MIN_WRAPPED, before + text.length) : text.length - at;
}

/** Forms write a space as `+`. 0: left out. */
function fold(code: number): number {
  if (code === SPACE) return PLUS;
  return code === 34 || code === 39 || code === BACKSLASH || code === 13 ? 0 : code;
}

function isBlank(code: number): boolean {
  return code === SPACE || code === LINE_BREAK || code === 9;
}

/** Null if the text ends before it is clear. */
function readEscape(text: string, at: number): { size: number; meant: string } | null {
  const mark = text.charAt(at);
  const first = readByte(text, at);
  if (first === null) return null;
  if (first.byte === null) return mark === "%" ? { size: 1, meant: mark } : readLetter(text, at);
  const count = first.byte < 0xc2 ? 1 : first.byte < 0xe0 ? 2 : first.byte < 0xf0 ? 3 : first.byte < 0xf5 ? 4 : 1;
  const bytes = [first.byte];
  let size = first.size;
  while (bytes.length < count) {
    const next = readByte(text, at + size);
    if (next === null) return null;
    if (next.byte === null || text.charAt(at + size) !== mark || next.byte >> 6 !== 2)
      return { size: first.size, meant: String.fromCharCode(first.byte) };
    bytes.push(next.byte);
    size += next.size;
  }
  return { size, meant: count === 1 ? String.fromCharCode(first.byte) : utf8.decode(Uint8Array.from(bytes)) };
}

const utf8 = new TextDecoder();

/** `%c3`, `\xc3` or `\303`. Null if the text ends before it is clear. */
function readByte(text: string, at: number): { byte: number | null; size: number } | null {
  const rest = text.slice(at, at + 4);
  const [whole, hex, octal] = /^(?:(?:%|\\x)([\da-fA-F]{2})|\\([0-3][0-7]{2}))/.exec(rest) ?? [];
  if (whole !== undefined) {
    return { byte: hex === undefined ? Number.parseInt(octal ?? "", 8) : Number.parseInt(hex, 16), size: whole.length };
  }
  return rest.length < 4 && /^(?:%[\da-fA-F]?|\\(?:x[\da-fA-F]?|[0-3][0-7]?)?)?$/.test(rest) ? null : NO_BYTE;
}

const NO_BYTE = { byte: null, size: 0 };

/** `\u00f6`, or a backslash and one character. */
function readLetter(text: string, at: number): { size: number; meant: string } | null {
  const rest = text.slice(at, at + 6);
  const [, hex] = /^\\u([\da-fA-F]{4})/.exec(rest) ?? [];
  if (hex !== undefined) return { size: 6, meant: String.fromCharCode(Number.parseInt(hex, 16)) };
  if (rest.length < 6 && /^\\(?:u[\da-fA-F]*)?$/.test(rest)) return null;
  const letter = rest.charAt(1);
  return { size: 2, meant: /[abfnrtv0]/.test(letter) ? (CONTROLS[letter] ?? "") : letter };
}

/** Others are no part of a secret. */
const CONTROLS: Record<string, string> = { t: "\t" };
