// Bytes to text. Servers and pages name their encoding, and some name a wrong one: what they say is tried in the order
// of how much it can be trusted, and the first that reads the bytes without an error is taken.

export interface Decoded {
  text: string;
  /** The encoding that was used, as the Encoding standard names it. */
  charset: string;
}

/** A page names its encoding at its start: the standard wants it in the first 1024 bytes, real ones are less exact. */
const SEARCHED_BYTES = 8192;
/** So many wrong characters are damage, such as one cut by an editor; more are another encoding. */
const TOLERATED_SHARE = 1 / 500;

/** `declared`: what the content type says. `isMarkup`: whether the text may name its encoding itself. */
export function decode(bytes: Uint8Array, declared: string | null, isMarkup: boolean): Decoded {
  const marked = findMark(bytes);
  if (marked !== null) return { text: read(bytes, marked) ?? "", charset: marked };
  const start = isMarkup ? readLatin(bytes.subarray(0, SEARCHED_BYTES)) : "";
  const named = [declared, ...namedIn(start)].map(toEncoding).filter((name) => name !== null);
  // Text of another encoding is practically never valid UTF-8, unless it is ASCII alone: ISO-2022-JP and UTF-16 are.
  const isPlain = named[0] !== "iso-2022-jp" && !named[0]?.startsWith("utf-16");
  const utf8 = isPlain ? readStrict(bytes) : null;
  if (utf8 !== null) return { text: utf8, charset: "utf-8" };
  const candidates = [...new Set([...named, ...likely(start)])];
  const tried = candidates.flatMap((charset) => {
    const text = read(bytes, charset);
    return text === null ? [] : [{ text, charset, share: wrongShare(text) }];
  });
  const good = tried.find(({ share }) => share <= TOLERATED_SHARE);
  const best = good ?? tried.reduce((one, other) => (other.share < one.share ? other : one), tried[0] ?? LAST(bytes));
  return { text: best.text, charset: best.charset };
}

const LAST = (bytes: Uint8Array) => ({ text: readLatin(bytes), charset: "windows-1252", share: 0 });

function findMark([one, two, three]: Uint8Array): string | null {
  if (one === 0xef && two === 0xbb && three === 0xbf) return "utf-8";
  if (one === 0xff && two === 0xfe) return "utf-16le";
  return one === 0xfe && two === 0xff ? "utf-16be" : null;
}

function namedIn(start: string): string[] {
  const meta = /<meta\b[^>]{0,500}?charset\s*=\s*(?:["']\s*)?([\w.:-]{2,40})/i.exec(start)?.[1];
  const xml = /^\s*<\?xml\b[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})/i.exec(start)?.[1];
  return [meta, xml].filter((name) => name !== undefined);
}

/** Encodings of the page's language, for bytes that are not what they are said to be. */
function likely(start: string): string[] {
  const language = /\blang\s*=\s*["']?([a-z]{2}(?:-[a-z]{2,4})?)/i.exec(start)?.[1]?.toLowerCase() ?? "";
  const found = byLanguage.find(([pattern]) => pattern.test(language));
  return [...(found?.[1] ?? ["gb18030"]), "utf-8", "windows-1252"];
}

const byLanguage: [RegExp, string[]][] = [
  [/^zh-(?:tw|hk|hant)/, ["big5", "gb18030"]],
  [/^zh/, ["gb18030", "big5"]],
  [/^ja/, ["shift_jis", "euc-jp"]],
  [/^ko/, ["euc-kr"]],
  [/^(?:ru|uk|bg|be|sr|mk)/, ["windows-1251"]],
  [/^(?:pl|cs|sk|hu|sl|hr|ro)/, ["windows-1250"]],
  [/^el/, ["windows-1253"]],
  [/^tr/, ["windows-1254"]],
  [/^he/, ["windows-1255"]],
  [/^(?:ar|fa|ur)/, ["windows-1256"]],
  [/^th/, ["windows-874"]],
  [/^vi/, ["windows-1258"]],
  // Any sequence of bytes is windows-1252, so a language that is known to use it comes without other tries.
  [/^[a-z]/, []],
];

/** Null for a name that the runtime does not know. GBK is read as the larger GB18030, as browsers do. */
function toEncoding(name: string | null): string | null {
  if (name === null) return null;
  try {
    const known = new TextDecoder(name).encoding;
    return known === "gbk" ? "gb18030" : known;
  } catch {
    return null;
  }
}

/** Null where the runtime does not know the encoding. */
function read(bytes: Uint8Array, charset: string): string | null {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return null;
  }
}

/** Null if the bytes are no UTF-8. */
function readStrict(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return null;
  }
}

function readLatin(bytes: Uint8Array): string {
  return new TextDecoder("windows-1252").decode(bytes);
}

/** The share of characters that are signs of a wrong encoding: those that could not be read, and codes of controls. */
function wrongShare(text: string): number {
  let [wrong, wide] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 128) continue;
    wide += 1;
    // Private characters are what GB18030 makes of bytes that mean nothing in it.
    if (code === 0xfffd || code < 0xa0 || (code >= 0xe000 && code <= 0xf8ff)) wrong += 1;
  }
  return wide === 0 ? 0 : wrong / wide;
}
