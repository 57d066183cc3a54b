// Replaces known secrets in what a sandbox says, before anybody reads it: the model, the journal, the stream.
//
// It works on text that comes in pieces. What may be the beginning of a secret is held back until the next piece shows
// it, so that what was passed on never has to be taken back, and the result is the same however the text is cut. Of
// several secrets that begin at one place the longest counts. Which forms of a secret are known: `secret-forms.ts`.
//
// The first characters of all secrets are looked for at once, by a hash that rolls over the text: the time does not
// grow with their number, which lines of long values bring to tens of thousands.
import { formsOf } from "./secret-forms.ts";

/** Shorter ones are parts of ordinary words and numbers. */
const MIN_MASKED_CHARACTERS = 8;

const MASK = "***";

/** Fewer last characters of a secret say nothing. */
const MIN_SHOWN_PART = 4;

const KEY = MIN_MASKED_CHARACTERS;

/** Odd, and its powers differ in all of their upper bits. */
const BASE = 0x9e3779b1;
const BASE_TO_KEY = Array.from({ length: KEY }, () => BASE).reduce((power, base) => Math.imul(power, base), 1);

/** Bits for each key: one place in so many that has no key is looked up in vain. */
const SPARSE = 32;
const MIN_BITS = 13;
const MAX_BITS = 21;

interface Masking {
  masked: string;
  /** From here on the text is held back. */
  held: number;
  /** Secrets that begin with all that is held back. Left out if it is shorter than a key. */
  growing?: string[];
}

export class OutputMask {
  /** By key, the longest first. */
  readonly #texts = new Map<string, string[]>();
  /** Beginnings of keys. */
  readonly #parts = new Set<string>();
  /** By the upper bits of a key's hash. */
  readonly #filter: Uint8Array;
  readonly #shift: number;

  constructor(values: Iterable<string>) {
    const texts = new Set([...values].flatMap(formsOf));
    for (const text of [...texts].sort((one, other) => other.length - one.length)) {
      if (text.length < MIN_MASKED_CHARACTERS) continue;
      const key = text.slice(0, KEY);
      const known = this.#texts.get(key);
      if (known === undefined) this.#texts.set(key, [text]);
      else known.push(text);
    }
    const bits = Math.ceil(Math.log2(SPARSE * Math.max(1, this.#texts.size)));
    this.#shift = 32 - Math.min(MAX_BITS, Math.max(MIN_BITS, bits));
    this.#filter = new Uint8Array(2 ** (32 - this.#shift - 3));
    for (const key of this.#texts.keys()) {
      for (let end = 1; end < KEY; end++) this.#parts.add(key.slice(0, end));
      const at = hashOf(key, 0) >>> this.#shift;
      this.#filter[at >>> 3] = (this.#filter[at >>> 3] ?? 0) | (1 << (at & 7));
    }
  }

  /** For one stream of text. */
  begin(pass: (text: string) => void): MaskedText {
    return new MaskedText((text, isEnd) => this.#mask(text, isEnd), pass);
  }

  /** For a text that is complete. */
  apply(text: string): string {
    return this.#mask(text, true).masked;
  }

  /** For the beginning of a text that continues: without what may be the beginning of a secret. */
  applyToHead(text: string): string {
    return this.#mask(text, false).masked;
  }

  /** For the end of a text whose beginning is missing: also without the end of a secret that it begins with. */
  applyToTail(text: string): string {
    let hidden = 0;
    const first = text.slice(0, MIN_SHOWN_PART);
    if (first.length === MIN_SHOWN_PART) {
      for (const secret of [...this.#texts.values()].flat()) {
        for (let at = secret.indexOf(first, 1); at > 0; at = secret.indexOf(first, at + 1)) {
          if (text.startsWith(secret.slice(at))) hidden = Math.max(hidden, secret.length - at);
        }
      }
    }
    const rest = this.apply(text.slice(hidden));
    return hidden === 0 ? rest : MASK + rest;
  }

  #mask(text: string, isEnd: boolean): Masking {
    if (this.#texts.size === 0) return { masked: text, held: text.length };
    let masked = "";
    let start = 0;
    for (;;) {
      const place = this.#findKey(text, start);
      if (place === -1) break;
      const texts = this.#texts.get(text.slice(place, place + KEY)) ?? [];
      const growing = isEnd ? [] : findGrowing(texts, text, place);
      if (growing.length > 0) return { masked: masked + text.slice(start, place), held: place, growing };
      const found = texts.find((each) => isAt(text, each, place));
      const end = place + (found?.length ?? 1);
      masked += found === undefined ? text.slice(start, end) : text.slice(start, place) + MASK;
      start = end;
    }
    const held = isEnd ? text.length : this.#findPartOfKey(text, start);
    return { masked: masked + text.slice(start, held), held };
  }

  /** Where the next key begins; -1 if there is none. */
  #findKey(text: string, start: number): number {
    let hash = hashOf(text, start);
    for (let end = start + KEY; end <= text.length; end++) {
      const at = hash >>> this.#shift;
      const isKnown = ((this.#filter[at >>> 3] ?? 0) & (1 << (at & 7))) !== 0;
      if (isKnown && this.#texts.has(text.slice(end - KEY, end))) return end - KEY;
      hash = (roll(hash, text.charCodeAt(end)) - Math.imul(text.charCodeAt(end - KEY), BASE_TO_KEY)) | 0;
    }
    return -1;
  }

  /** Where a key begins that the end of the text cuts off. */
  #findPartOfKey(text: string, start: number): number {
    for (let place = Math.max(start, text.length - KEY + 1); place < text.length; place++) {
      if (this.#parts.has(text.slice(place))) return place;
    }
    return text.length;
  }
}

function hashOf(text: string, start: number): number {
  let hash = 0;
  for (let place = start; place < start + KEY; place++) hash = roll(hash, text.charCodeAt(place));
  return hash;
}

/** Past the end of a text the code is NaN, which counts as zero. */
function roll(hash: number, code: number): number {
  return (Math.imul(hash, BASE) + code) | 0;
}

/** The secrets of which the text from here on is only the beginning. */
function findGrowing(texts: string[], text: string, place: number): string[] {
  const length = text.length - place;
  if (!texts.some((each) => each.length > length)) return [];
  const rest = text.slice(place);
  return texts.filter((each) => each.length > length && each.startsWith(rest));
}

/** The end is looked at first: texts that only begin alike are told apart at once. */
function isAt(text: string, secret: string, place: number): boolean {
  const last = secret.length - 1;
  return text.charCodeAt(place + last) === secret.charCodeAt(last) && text.startsWith(secret, place);
}

class MaskedText {
  readonly #mask: (text: string, isEnd: boolean) => Masking;
  readonly #pass: (text: string) => void;
  #held = "";
  #growing: string[] = [];

  constructor(mask: (text: string, isEnd: boolean) => Masking, pass: (text: string) => void) {
    this.#mask = mask;
    this.#pass = pass;
  }

  push(text: string): void {
    // A long secret may come in many pieces: what is held back is not looked at again with each.
    const { length } = this.#held;
    this.#growing = this.#growing.filter((each) => each.length > length + text.length && each.startsWith(text, length));
    if (this.#growing.length > 0) this.#held += text;
    else this.#take(this.#held + text, false);
  }

  /** Nothing more comes: what was held back is no secret. */
  end(): void {
    this.#take(this.#held, true);
  }

  #take(text: string, isEnd: boolean): void {
    const { masked, held, growing = [] } = this.#mask(text, isEnd);
    this.#held = text.slice(held);
    this.#growing = growing;
    if (masked !== "") this.#pass(masked);
  }
}
