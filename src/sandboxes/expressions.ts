// Regular expressions as models write them: in the form of Perl, JavaScript and Rust. Programs in sandboxes have other
// forms, so this translates what is usual. What a program has no form for, it refuses itself.

/** For PCRE, which takes all but JavaScript's form of a code point. */
export function toPerlExpression(expression: string): string {
  return replaceEscapes(expression, (written) => {
    const [, code] = /^\\u\{?([0-9A-Fa-f]{1,6})\}?$/.exec(written) ?? [];
    return code === undefined ? written : `\\x{${code}}`;
  });
}

/** Passes each escape through `replace`, with all that belongs to it. */
function replaceEscapes(expression: string, replace: (written: string) => string): string {
  return expression.replace(/\\(?:u\{[0-9A-Fa-f]{1,6}\}|u[0-9A-Fa-f]{4}|[\s\S])/g, replace);
}

const classes: Record<string, string> = {
  d: "0-9",
  s: "[:space:]",
  w: "[:alnum:]_",
};
const characters: Record<string, string> = { t: "\t", f: "\f", v: "\v", e: "\x1b", a: "\x07" };

/**
 * For a grep without Perl's expressions (BusyBox): a POSIX extended one, and whether it ignores case. Null if there is
 * no such form, as for lookarounds.
 */
export function toExtendedExpression(expression: string): { pattern: string; ignore_case: boolean } | null {
  const flags = /^\(\?([a-z]+)\)/.exec(expression);
  if (flags && !/^[ims]+$/.test(flags[1] ?? "")) return null;
  const rest = expression.slice(flags?.[0].length ?? 0);
  let pattern = "";
  for (let at = 0; at < rest.length; ) {
    const token = readToken(rest, at);
    if (token === null) return null;
    pattern += token.text;
    at += token.length;
  }
  return { pattern, ignore_case: flags?.[1]?.includes("i") === true };
}

interface Token {
  text: string;
  length: number;
}

function readToken(source: string, at: number): Token | null {
  const sign = source[at] ?? "";
  if (sign === "\\") return readEscape(source, at, false);
  if (sign === "[") return readBrackets(source, at);
  if (source.startsWith("(?:", at)) return { text: "(", length: 3 };
  if (source.startsWith("(?", at)) return null;
  // Whether a line matches is the same for greedy and lazy repetitions; possessive ones have no form.
  const repeated = /^(?:[*+?]|\{\d+(?:,\d*)?\})/.exec(source.slice(at, at + 20))?.[0];
  if (repeated === undefined) return { text: sign, length: 1 };
  const next = source[at + repeated.length];
  if (next === "+") return null;
  return { text: repeated, length: repeated.length + (next === "?" ? 1 : 0) };
}

function readEscape(source: string, at: number, inBrackets: boolean): Token | null {
  const code = /^\\(?:x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\})/.exec(
    source.slice(at, at + 12),
  );
  if (code) {
    const point = Number.parseInt(code.slice(1).find((group) => group !== undefined) ?? "", 16);
    if (point === 0 || point > 0x10ffff) return null;
    const text = String.fromCodePoint(point);
    return { text: inBrackets ? text : escapeMark(text), length: code[0].length };
  }
  const sign = source[at + 1];
  if (sign === undefined) return { text: "\\", length: 1 };
  const known = classes[sign] ?? classes[sign.toLowerCase()];
  if (known !== undefined) {
    if (inBrackets) return sign === sign.toLowerCase() ? { text: known, length: 2 } : null;
    return { text: sign === sign.toLowerCase() ? `[${known}]` : `[^${known}]`, length: 2 };
  }
  if (characters[sign] !== undefined) return { text: characters[sign], length: 2 };
  if (sign === "b" || sign === "B") return inBrackets ? null : { text: `\\${sign}`, length: 2 };
  if (/[A-Za-z0-9]/.test(sign)) return null;
  return { text: inBrackets ? sign : escapeMark(sign), length: 2 };
}

function escapeMark(sign: string): string {
  return /[.^$*+?()[\]{}|\\]/.test(sign) ? `\\${sign}` : sign;
}

/** In POSIX brackets a backslash is itself, so escapes become what they stand for. */
function readBrackets(source: string, at: number): Token | null {
  let place = at + 1;
  let negated = "";
  if (source[place] === "^") {
    negated = "^";
    place++;
  }
  let text = "";
  let [hasBracket, hasDash, hasCaret] = [false, false, false];
  for (let isFirst = true; place < source.length && (isFirst || source[place] !== "]"); isFirst = false) {
    const named = /^\[:\w+:\]/.exec(source.slice(place, place + 12))?.[0];
    const token: Token | null =
      named !== undefined
        ? { text: named, length: named.length }
        : source[place] === "\\"
          ? readEscape(source, place, true)
          : { text: source[place] ?? "", length: 1 };
    if (token === null) return null;
    const isEscaped = source[place] === "\\";
    // These mean themselves only at certain places of the brackets.
    if (token.text === "]") hasBracket = true;
    else if (token.text === "-" && isEscaped) hasDash = true;
    else if (token.text === "^") hasCaret = true;
    else text += token.text;
    place += token.length;
  }
  if (source[place] !== "]") return null;
  const inside = `${hasBracket ? "]" : ""}${text}${hasCaret ? "^" : ""}${hasDash ? "-" : ""}`;
  // A caret alone would negate.
  return { text: inside === "^" && negated === "" ? "\\^" : `[${negated}${inside}]`, length: place + 1 - at };
}
