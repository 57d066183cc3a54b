// Replaces known secrets in what a command prints, before anybody reads it: the model, the journal, the stream.
//
// It works on text that comes in pieces. What may be the beginning of a secret is held back until the next piece shows
// it, so that what was passed on never has to be taken back, and the result is the same however the text is cut. Of
// several secrets that begin at one place the longest counts. What a program encodes (base64, hex, a URL) is not found.

/** Shorter ones are parts of ordinary words and numbers. */
export const MIN_MASKED_CHARACTERS = 8;

export const MASK = "***";

/** Fewer last characters of a secret say nothing. */
const MIN_SHOWN_PART = 4;

/** By these first characters all secrets are found in one pass over the text, whatever their number. */
const KEY = MIN_MASKED_CHARACTERS;

export class OutputMask {
  /** By key, the longest first. */
  readonly #texts = new Map<string, string[]>();
  readonly #keys: RegExp | null;

  /** A secret of several lines is also found line by line, as a program may print it. */
  constructor(values: Iterable<string>) {
    const texts = new Set(
      [...values].flatMap((value) => [value, ...value.split(/[\r\n]+/)].map((text) => text.trim())),
    );
    for (const text of [...texts].sort((one, other) => other.length - one.length)) {
      if (text.length < MIN_MASKED_CHARACTERS) continue;
      const key = text.slice(0, KEY);
      this.#texts.set(key, [...(this.#texts.get(key) ?? []), text]);
    }
    const patterns = [...this.#texts.keys()].map((key) => key.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
    this.#keys = patterns.length === 0 ? null : new RegExp(patterns.join("|"), "g");
  }

  /** For one stream of text. */
  begin(pass: (text: string) => void): MaskedText {
    return new MaskedText((text, isEnd) => this.#mask(text, isEnd), pass);
  }

  /** For a text that is complete. */
  apply(text: string): string {
    return this.#mask(text, true).masked;
  }

  /** For the beginning of a text that goes on: without what may be the beginning of a secret. */
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

  /** The masked text, and from where on the given one is held back. */
  #mask(text: string, isEnd: boolean): { masked: string; held: number } {
    if (this.#keys === null) return { masked: text, held: text.length };
    let masked = "";
    let start = 0;
    for (;;) {
      this.#keys.lastIndex = start;
      const place = this.#keys.exec(text)?.index;
      if (place === undefined) break;
      if (!isEnd && this.#mayGrow(text, place)) return { masked: masked + text.slice(start, place), held: place };
      const found = this.#texts.get(text.slice(place, place + KEY))?.find((each) => isAt(text, each, place));
      const end = place + (found?.length ?? 1);
      masked += found === undefined ? text.slice(start, end) : text.slice(start, place) + MASK;
      start = end;
    }
    const held = isEnd ? text.length : this.#findPartOfKey(text, start);
    return { masked: masked + text.slice(start, held), held };
  }

  /** Whether the text from here on is the beginning of a secret, and more may follow. */
  #mayGrow(text: string, place: number): boolean {
    const rest = text.length - place;
    const longer = (this.#texts.get(text.slice(place, place + KEY)) ?? []).filter(({ length }) => length > rest);
    return longer.length > 0 && longer.some((each) => each.startsWith(text.slice(place)));
  }

  /** Where a key begins that the end of the text cuts off. */
  #findPartOfKey(text: string, start: number): number {
    for (let place = Math.max(start, text.length - KEY + 1); place < text.length; place++) {
      const end = text.slice(place);
      for (const key of this.#texts.keys()) if (key.startsWith(end)) return place;
    }
    return text.length;
  }
}

/** The end is looked at first: texts that only begin alike are told apart at once. */
function isAt(text: string, secret: string, place: number): boolean {
  return text.startsWith(secret.slice(-KEY), place + secret.length - KEY) && text.startsWith(secret, place);
}

type Mask = (text: string, isEnd: boolean) => { masked: string; held: number };

export class MaskedText {
  readonly #mask: Mask;
  readonly #pass: (text: string) => void;
  #held = "";

  constructor(mask: Mask, pass: (text: string) => void) {
    this.#mask = mask;
    this.#pass = pass;
  }

  push(text: string): void {
    this.#take(this.#held + text, false);
  }

  /** Nothing more comes: what was held back is no secret. */
  end(): void {
    this.#take(this.#held, true);
  }

  #take(text: string, isEnd: boolean): void {
    const { masked, held } = this.#mask(text, isEnd);
    this.#held = text.slice(held);
    if (masked !== "") this.#pass(masked);
  }
}
