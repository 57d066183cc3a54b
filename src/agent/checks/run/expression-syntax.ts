// Reads a regular expression in the form that Perl, JavaScript and Rust share.

/** Whether a UTF-16 unit is one of the set. */
export type SignSet = (unit: number) => boolean;

export type Node =
  | { kind: "sign"; set: SignSet }
  | { kind: "assert"; what: "start" | "end" | "edge" | "no_edge" }
  | { kind: "sequence" | "choice"; nodes: Node[] }
  /** `max` null: without a limit. */
  | { kind: "repeat"; node: Node; min: number; max: number | null };

type Parsed = { ok: true; node: Node } | { ok: false; why: string };

const MAX_COUNT = 1_000;
const MAX_DEPTH = 50;

class Fault extends Error {}

/** `why` is the end of a sentence that begins with the expression. */
export function parseExpression(text: string): Parsed {
  try {
    const flags = /^\(\?([a-z]+)\)/.exec(text);
    if (flags && !/^[ims]+$/.test(flags[1] ?? "")) throw new Fault("has a flag that is not supported");
    const reader = new Reader(text.slice(flags?.[0].length ?? 0), flags?.[1]?.includes("i") === true);
    return { ok: true, node: reader.read() };
  } catch (error) {
    if (error instanceof Fault) return { ok: false, why: error.message };
    throw error;
  }
}

const digits = (unit: number) => unit >= 48 && unit <= 57;
const words = (unit: number) =>
  digits(unit) || (unit >= 65 && unit <= 90) || (unit >= 97 && unit <= 122) || unit === 95;
const spaces = (unit: number) => /\s/.test(String.fromCharCode(unit));
const not =
  (set: SignSet): SignSet =>
  (unit) =>
    !set(unit);

const classes: Record<string, SignSet> = {
  ...{ d: digits, D: not(digits), w: words, W: not(words), s: spaces, S: not(spaces) },
};
const characters: Record<string, string> = {
  t: "\t",
  n: "\n",
  r: "\r",
  f: "\f",
  v: "\v",
  e: "\x1b",
  a: "\x07",
  "0": "\0",
};

class Reader {
  readonly #text: string;
  readonly #ignoresCase: boolean;
  #at = 0;
  #depth = 0;

  constructor(text: string, ignoresCase: boolean) {
    this.#text = text;
    this.#ignoresCase = ignoresCase;
  }

  read(): Node {
    const node = this.#readChoice();
    if (this.#at < this.#text.length) throw new Fault("has a ) without its (");
    return node;
  }

  #readChoice(): Node {
    if (++this.#depth > MAX_DEPTH) throw new Fault("is nested too deeply");
    const nodes = [this.#readSequence()];
    while (this.#text[this.#at] === "|") {
      this.#at++;
      nodes.push(this.#readSequence());
    }
    this.#depth--;
    return { kind: "choice", nodes };
  }

  #readSequence(): Node {
    const nodes: Node[] = [];
    for (;;) {
      const sign = this.#text[this.#at];
      if (sign === undefined || sign === "|" || sign === ")") return { kind: "sequence", nodes };
      nodes.push(this.#readRepeats(this.#readAtom(sign)));
    }
  }

  #readRepeats(atom: Node): Node {
    const [written, sign, from, comma, to] =
      /^(?:([*+?])|\{(\d{1,6})(,?)(\d{0,6})\})[?+]?/.exec(this.#text.slice(this.#at, this.#at + 20)) ?? [];
    if (written === undefined) return atom;
    if (atom.kind === "assert") throw new Fault("repeats what has no length");
    if (written.length > 1 && written.endsWith("+"))
      throw new Fault("has a possessive repetition, which is not supported");
    this.#at += written.length;
    const min = sign === undefined ? Number(from) : sign === "+" ? 1 : 0;
    const limit = comma === "" ? min : to === "" ? null : Number(to);
    const max = sign === undefined ? limit : sign === "?" ? 1 : null;
    if (min > MAX_COUNT || (max ?? 0) > MAX_COUNT) throw new Fault(`repeats more than ${MAX_COUNT} times`);
    if (max !== null && max < min) throw new Fault("has a repetition whose numbers are out of order");
    if (/^(?:[*+?]|\{\d)/.test(this.#text.slice(this.#at, this.#at + 2))) throw new Fault("repeats a repetition");
    return { kind: "repeat", node: atom, min, max };
  }

  #readAtom(sign: string): Node {
    this.#at++;
    switch (sign) {
      case "(":
        return this.#readGroup();
      case "[":
        return this.#readBrackets();
      case ".":
        return { kind: "sign", set: () => true };
      case "^":
        return { kind: "assert", what: "start" };
      case "$":
        return { kind: "assert", what: "end" };
      case "*":
      case "+":
      case "?":
        throw new Fault("repeats nothing");
      case "\\":
        return this.#readEscape();
      default:
        return this.#literal(sign);
    }
  }

  #readGroup(): Node {
    const [open] = /^\?(?::|P?<[A-Za-z_]\w*>)/.exec(this.#text.slice(this.#at)) ?? [];
    if (open === undefined && this.#text[this.#at] === "?")
      throw new Fault("looks ahead or behind, or has a kind of group that is not supported");
    this.#at += open?.length ?? 0;
    const node = this.#readChoice();
    if (this.#text[this.#at] !== ")") throw new Fault("has a ( without its )");
    this.#at++;
    return node;
  }

  #readEscape(): Node {
    const sign = this.#text[this.#at];
    if (sign === "b" || sign === "B") {
      this.#at++;
      return { kind: "assert", what: sign === "b" ? "edge" : "no_edge" };
    }
    const read = this.#readEscaped();
    return typeof read === "string" ? this.#literal(read) : { kind: "sign", set: read };
  }

  /** What an escape stands for; its backslash is read. */
  #readEscaped(): SignSet | string {
    const rest = this.#text.slice(this.#at, this.#at + 12);
    const [written, ...codes] = /^(?:x([0-9A-Fa-f]{2})|[xu]\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4}))/.exec(rest) ?? [];
    if (written !== undefined) {
      const code = Number.parseInt(codes.find((each) => each !== undefined) ?? "0", 16);
      if (code > 0x10ffff) throw new Fault("names a character that does not exist");
      this.#at += written.length;
      return String.fromCodePoint(code);
    }
    const sign = rest[0];
    if (sign === undefined) throw new Fault("ends with a backslash");
    this.#at++;
    const known = classes[sign] ?? characters[sign];
    if (known !== undefined) return known;
    if (/[1-9k]/.test(sign)) throw new Fault("refers back to a group, which is not supported");
    if (/[A-Za-z]/.test(sign)) throw new Fault(`has \\${sign}, which is not supported`);
    return sign;
  }

  /** A sign outside of the first 65,536 is two units. */
  #literal(text: string): Node {
    const units = [...Array(text.length).keys()].map((at) => text.charCodeAt(at));
    const nodes = units.map((unit): Node => ({ kind: "sign", set: this.#fold((each) => each === unit) }));
    return nodes.length === 1 && nodes[0] ? nodes[0] : { kind: "sequence", nodes };
  }

  #readBrackets(): Node {
    const isNegated = this.#text[this.#at] === "^";
    if (isNegated) this.#at++;
    const sets: SignSet[] = [];
    for (let isFirst = true; ; isFirst = false) {
      const sign = this.#text[this.#at];
      if (sign === undefined) throw new Fault("has a [ without its ]");
      if (sign === "]" && !isFirst) break;
      const first = this.#readMember();
      const isRange = this.#text[this.#at] === "-" && !/^-(?:\]|$)/.test(this.#text.slice(this.#at, this.#at + 2));
      if (!isRange || typeof first !== "number") {
        sets.push(typeof first === "number" ? (unit) => unit === first : first);
        continue;
      }
      this.#at++;
      const last = this.#readMember();
      if (typeof last !== "number" || last < first) throw new Fault("has a range of characters that is out of order");
      sets.push((unit) => unit >= first && unit <= last);
    }
    this.#at++;
    const inside = this.#fold((unit) => sets.some((set) => set(unit)));
    return { kind: "sign", set: isNegated ? not(inside) : inside };
  }

  #readMember(): number | SignSet {
    const sign = this.#text[this.#at] ?? "";
    this.#at++;
    if (sign === "\\" && this.#text[this.#at] === "b") {
      this.#at++;
      return 8;
    }
    const read = sign === "\\" ? this.#readEscaped() : sign;
    if (typeof read !== "string") return read;
    const isPair = read.length > 1 || /[\ud800-\udfff]/.test(read);
    if (isPair) throw new Fault("has an emoji or a rare character within [ ], which is not supported");
    return read.charCodeAt(0);
  }

  #fold(set: SignSet): SignSet {
    if (!this.#ignoresCase) return set;
    return (unit) => {
      const sign = String.fromCharCode(unit);
      return set(unit) || set(sign.toLowerCase().charCodeAt(0)) || set(sign.toUpperCase().charCodeAt(0));
    };
  }
}
