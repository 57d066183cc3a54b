// Replaces known secrets in what a sandbox says, before anybody reads it: the model, the journal, the stream.
//
// It works on text that comes in pieces. What may be the beginning of a secret is held back until the next piece shows
// it, so that what was passed on never has to be taken back, and the result is the same however the text is cut. Of
// several secrets that begin at one place the longest counts. Which forms of a secret are known: `secret-forms.ts`. In
// which writings they are recognized: `output-reading.ts`.
//
// The first characters of all secrets are looked for at once, by a hash that rolls over the text: the time does not
// grow with their number, which lines of long values bring to tens of thousands.
import { type EscapeMark, LINE_BREAK, measureWord, NO_WORD, type Reading, readText } from "./output-reading.ts";
import { formsOf } from "./secret-forms.ts";

/** Shorter ones are parts of ordinary words and numbers. */
const MIN_MASKED_CHARACTERS = 8;

const MASK = "***";

/** Fewer last characters of a secret say nothing. */
const MIN_SHOWN_PART = 4;

/** So many first characters of a longer secret are masked without the rest: a place in a text costs no more than that. */
const SURE_CHARACTERS = 32;

const KEY = MIN_MASKED_CHARACTERS;

/** Odd, and its powers differ in all of their upper bits. */
const BASE = 0x9e3779b1;
const BASE_TO_KEY = Array.from({ length: KEY }, () => BASE).reduce((power, base) => Math.imul(power, base), 1);

/** Bits for each key: one place in so many that has no key is looked up in vain. */
const SPARSE = 32;
const MIN_BITS = 13;
const MAX_BITS = 21;

/** A text is read in pieces of so many characters: a reading takes ten times their memory. */
const PIECE = 64 * 1024;

/** So much may be held back and be looked at again with each piece. Of more, only when it has grown by an eighth. */
const CHEAP_CHARACTERS = 1024;

/** How each text is read. */
const MARKS: EscapeMark[] = ["", "%", "\\"];

interface Masking {
  masked: string;
  /** From here on the text is held back. */
  held: number;
}

/** A place in a reading where a secret may begin. */
interface Candidate {
  reading: Reading;
  index: number;
}

export class OutputMask {
  /** By key, sorted. */
  readonly #texts = new Map<string, string[]>();
  /** Beginnings of keys. */
  readonly #parts = new Set<string>();
  /** By the upper bits of a key's hash. */
  readonly #filter: Uint8Array;
  readonly #shift: number;

  constructor(values: Iterable<string>) {
    for (const text of new Set([...values].flatMap(formsOf).flatMap(patternsOf))) {
      if (text.length < MIN_MASKED_CHARACTERS) continue;
      const key = text.slice(0, KEY);
      const known = this.#texts.get(key);
      if (known === undefined) this.#texts.set(key, [text]);
      else known.push(text);
    }
    const bits = Math.ceil(Math.log2(SPARSE * Math.max(1, this.#texts.size)));
    this.#shift = 32 - Math.min(MAX_BITS, Math.max(MIN_BITS, bits));
    this.#filter = new Uint8Array(2 ** (32 - this.#shift - 3));
    for (const [key, texts] of this.#texts) {
      texts.sort((one, other) => (one < other ? -1 : 1));
      for (let end = 1; end < KEY; end++) this.#parts.add(key.slice(0, end));
      const at =
        hashOf(
          Uint16Array.from(key, (each) => each.charCodeAt(0)),
          0,
        ) >>> this.#shift;
      this.#filter[at >>> 3] = (this.#filter[at >>> 3] ?? 0) | (1 << (at & 7));
    }
  }

  /** For one stream of text. */
  begin(pass: (text: string) => void): MaskedText {
    const isIdle = this.#texts.size === 0;
    return new MaskedText(
      (text, word, isEnd) => (isIdle ? { masked: text, held: text.length } : this.#mask(text, word, isEnd)),
      pass,
    );
  }

  /** For a text that is complete. */
  apply(text: string): string {
    return this.#maskAll(text, true);
  }

  /** For the beginning of a text that continues: without what may be the beginning of a secret. */
  applyToHead(text: string): string {
    return this.#maskAll(text, false);
  }

  /** For the end of a text whose beginning is missing: also without the end of a secret that it begins with. */
  applyToTail(text: string): string {
    const ends = MARKS.map((mark) => this.#measureEnd(readText(text, NO_WORD, mark, true)));
    const hidden = Math.max(...ends);
    const rest = this.apply(text.slice(hidden));
    return hidden === 0 ? rest : MASK + rest;
  }

  /** How much of the text is the end of a secret whose beginning is missing. */
  #measureEnd(reading: Reading): number {
    const kept = Array.from(reading.codes.subarray(0, reading.length)).filter((code) => code !== LINE_BREAK);
    const places = Array.from(reading.places.subarray(0, reading.length)).filter(
      (_, index) => reading.codes[index] !== LINE_BREAK,
    );
    const text = kept.map((code) => String.fromCharCode(code)).join("");
    const first = text.slice(0, MIN_SHOWN_PART);
    if (first.length < MIN_SHOWN_PART) return 0;
    let hidden = 0;
    for (const secret of [...this.#texts.values()].flat()) {
      for (let at = secret.indexOf(first, 1); at > 0; at = secret.indexOf(first, at + 1)) {
        if (text.startsWith(secret.slice(at))) hidden = Math.max(hidden, secret.length - at);
      }
    }
    return hidden === 0 ? 0 : (places[hidden] ?? reading.end);
  }

  #maskAll(text: string, isEnd: boolean): string {
    const pieces: string[] = [];
    const masked = this.begin((piece) => pieces.push(piece));
    for (let start = 0; start < text.length; start += PIECE) masked.push(text.slice(start, start + PIECE));
    if (isEnd) masked.end();
    return pieces.join("");
  }

  #mask(text: string, word: number, isEnd: boolean): Masking {
    const readings = MARKS.filter((mark) => text.includes(mark)).map((mark) => readText(text, word, mark, isEnd));
    const end = Math.min(...readings.map((reading) => reading.end));
    const cursors = readings.map(() => 0);
    const next = readings.map((reading) => this.#findKey(reading, 0));
    let masked = "";
    let start = 0;
    for (;;) {
      const places = readings.map((reading, at) => placeOf(reading, next[at] ?? reading.length));
      const place = Math.min(...places);
      const limit = isEnd
        ? text.length
        : Math.min(end, ...readings.map((each, at) => this.#findPart(each, cursors[at] ?? 0)));
      const found =
        place < limit
          ? this.#findAll(
              readings.flatMap((reading, at) => (places[at] === place ? [{ reading, index: next[at] ?? 0 }] : [])),
              isEnd,
            )
          : "held";
      if (found === "held" || (found !== null && found > end)) {
        const held = isEnd ? text.length : Math.max(start, round(readings, -1, Math.min(limit, place)));
        return { masked: masked + text.slice(start, held), held };
      }
      if (found !== null) {
        masked += text.slice(start, place) + MASK;
        start = round(readings, 1, found);
      }
      for (const [at, reading] of readings.entries()) {
        let cursor = next[at] ?? 0;
        if (found === null) cursor += places[at] === place ? 1 : 0;
        else cursor = Math.max(cursors[at] ?? 0, findPlace(reading, start));
        if (found !== null || places[at] === place) {
          cursors[at] = cursor;
          if ((next[at] ?? 0) < cursor) next[at] = this.#findKey(reading, cursor);
        }
      }
    }
  }

  /** Where the longest secret ends that begins at one of the candidates, which begin at one place; null for none. */
  #findAll(candidates: Candidate[], isEnd: boolean): number | "held" | null {
    let longest: number | null = null;
    for (const { reading, index } of candidates) {
      const end = this.#findAt(reading, index, isEnd);
      if (end === "held") return end;
      if (end !== null) longest = Math.max(longest ?? 0, end);
    }
    return longest;
  }

  #findAt(reading: Reading, index: number, isEnd: boolean): number | "held" | null {
    const { codes, places, sizes, length } = reading;
    const texts = this.#texts.get(keyAt(codes, index)) ?? [];
    let [first, last] = [0, texts.length - 1];
    let depth = 0;
    let end: number | null = null;
    for (let at = index; ; at++) {
      if (at === length) return isEnd ? end : "held";
      const code = codes[at] ?? 0;
      if (code === LINE_BREAK && depth >= KEY) continue;
      // All from the first to the last are alike so far.
      while (texts[first]?.length === depth) first++;
      if (texts[first]?.charCodeAt(depth) !== code) first = findFirst(texts, first, last + 1, depth, code);
      if (texts[last]?.charCodeAt(depth) !== code) last = findFirst(texts, first, last + 1, depth, code + 1) - 1;
      if (first > last) return end;
      depth++;
      const isWhole = texts[first]?.length === depth;
      if (isWhole || depth >= SURE_CHARACTERS) end = (places[at] ?? 0) + (sizes[at] ?? 0);
      if (isWhole && (first === last || texts[last]?.length === depth)) return end;
    }
  }

  /** Where the next key begins; the end if there is none. */
  #findKey({ codes, length }: Reading, start: number): number {
    const [filter, shift] = [this.#filter, this.#shift];
    let hash = hashOf(codes, start);
    for (let end = start + KEY; end <= length; end++) {
      const at = hash >>> shift;
      const isKnown = ((filter[at >>> 3] ?? 0) & (1 << (at & 7))) !== 0;
      if (isKnown && this.#texts.has(keyAt(codes, end - KEY))) return end - KEY;
      hash = (roll(hash, codes[end] ?? 0) - Math.imul(codes[end - KEY] ?? 0, BASE_TO_KEY)) | 0;
    }
    return length;
  }

  /** Where a key begins in the text that the end of the reading cuts off. */
  #findPart(reading: Reading, start: number): number {
    const { codes, length } = reading;
    for (let index = Math.max(start, length - KEY + 1); index < length; index++) {
      if (this.#parts.has(String.fromCharCode(...codes.subarray(index, length)))) return placeOf(reading, index);
    }
    return reading.end;
  }
}

/** As `readText` reads them. Line breaks count only where the first characters of a secret have some. */
function patternsOf(form: string): string[] {
  const written = form
    .toWellFormed()
    .replace(/['"\\\r]+/g, "")
    .replaceAll(" ", "+");
  const key = written.slice(0, KEY);
  const joined = written.replaceAll("\n", "");
  return key.includes("\n") ? [joined, key + written.slice(KEY).replaceAll("\n", "")] : [joined];
}

/** The first of the sorted texts from `low` to `high` whose character at the depth is this one or a later one. */
function findFirst(texts: string[], low: number, high: number, depth: number, code: number): number {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((texts[middle]?.charCodeAt(depth) ?? 0) < code) from = middle + 1;
    else to = middle;
  }
  return from;
}

function placeOf({ places, length, end }: Reading, index: number): number {
  return index < length ? (places[index] ?? 0) : end;
}

/** The first index whose place is this one or a later one. */
function findPlace({ places, length }: Reading, place: number): number {
  let [from, to] = [0, length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((places[middle] ?? 0) < place) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** A text is never cut within an escape: what follows would be read differently. */
function round(readings: Reading[], step: 1 | -1, place: number): number {
  let rounded = place;
  while (readings.some(({ isWithin }) => isWithin[rounded] === 1)) rounded += step;
  return rounded;
}

function keyAt(codes: Uint16Array, index: number): string {
  return String.fromCharCode(...codes.subarray(index, index + KEY));
}

function hashOf(codes: Uint16Array, start: number): number {
  let hash = 0;
  for (let index = start; index < start + KEY; index++) hash = roll(hash, codes[index] ?? 0);
  return hash;
}

function roll(hash: number, code: number): number {
  return (Math.imul(hash, BASE) + code) | 0;
}

class MaskedText {
  readonly #mask: (text: string, word: number, isEnd: boolean) => Masking;
  readonly #pass: (text: string) => void;
  #held = "";
  #fresh = "";
  #word = NO_WORD;

  constructor(mask: (text: string, word: number, isEnd: boolean) => Masking, pass: (text: string) => void) {
    this.#mask = mask;
    this.#pass = pass;
  }

  push(text: string): void {
    this.#fresh += text;
    const { length } = this.#held;
    if (length <= CHEAP_CHARACTERS || this.#fresh.length > length / 8) this.#take(false);
  }

  /** Nothing more comes: what was held back is no secret. */
  end(): void {
    this.#take(true);
  }

  #take(isEnd: boolean): void {
    const text = this.#held + this.#fresh;
    const { masked, held } = this.#mask(text, this.#word, isEnd);
    this.#word = measureWord(text.slice(0, held), this.#word);
    this.#held = text.slice(held);
    this.#fresh = "";
    if (masked !== "") this.#pass(masked);
  }
}
