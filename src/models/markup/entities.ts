// Decodes entities in values. A writer who escapes a text escapes each `<` first. So a value with a bare `<` is not
// escaped, and an entity in it is part of its text: the line `<p>a &amp; b</p>` of a web page stays as it is.

/** XML's five entities and numeric ones. Others, such as `&nbsp;`, belong to HTML and stay. */
const entity = /&(?:lt|gt|amp|quot|apos|#\d{1,7}|#x[\da-f]{1,6});/i;
const entities = new RegExp(entity.source, "gi");
/** A prefix that the next piece may complete to an entity. */
const begun = /&(?:[a-z]{0,4}|#\d{0,7}|#x[\da-f]{0,6})$/i;

const named: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

export function decodeEntities(text: string): string {
  return text.includes("&") ? text.replace(entities, decodeOne) : text;
}

/** Decodes a complete text. */
export function decodeValue(text: string): string {
  return text.includes("<") ? text : decodeEntities(text);
}

export function holdsEntity(text: string): boolean {
  return entity.test(text);
}

function decodeOne(whole: string): string {
  const name = whole.slice(1, -1).toLowerCase();
  if (!name.startsWith("#")) return named[name] ?? whole;
  const code = name.startsWith("#x") ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10);
  const isCharacter = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return isCharacter ? String.fromCodePoint(code) : whole;
}

export interface Decoder {
  add(piece: string): void;
  end(): void;
}

/** `decodeValue` for a text in pieces: from the first entity on it is held back until a `<` or the end decides. */
export function createDecoder(out: (piece: string) => void): Decoder {
  let isPlain = false;
  let isHolding = false;
  let held = "";
  return {
    add(piece) {
      if (isPlain) return out(piece);
      if (piece.includes("<")) {
        isPlain = true;
        return out(held + piece);
      }
      if (isHolding) {
        held += piece;
        return;
      }
      const text = held + piece;
      const found = entity.exec(text);
      const keep = found?.index ?? begun.exec(text)?.index ?? text.length;
      isHolding = found !== null;
      held = text.slice(keep);
      if (keep > 0) out(text.slice(0, keep));
    },
    end() {
      if (!isPlain && held !== "") out(decodeEntities(held));
    },
  };
}
