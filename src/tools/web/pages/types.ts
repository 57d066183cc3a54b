// What a content type says: how its text is read, or that it holds none.

export type Kind = "html" | "text" | "pdf" | "other" | "unknown";

export interface ContentType {
  /** Lower case, without parameters; empty if the server names none. It is shown to the model outside of a fence. */
  type: string;
  charset: string | null;
  kind: Kind;
}

const textTypes =
  /^(?:text\/.*|application\/(?:.*\+)?(?:json|xml|yaml)|application\/(?:x-)?(?:javascript|ecmascript|typescript|ndjson|jsonlines|jsonl|yaml|toml|sh|httpd-php|sql|graphql|csv|tex|latex|subrip|mbox|x-bibtex|rtf)|application\/(?:rss|atom|rdf|ld|xhtml|soap).*|message\/.*|image\/svg\+xml)$/;

/** What the standard lets a type be called, in the length of the longest that are registered. */
const typeName = /^(?:\*\/\*|[a-z0-9][\w!#$&^.+-]{0,126}(?:\/[a-z0-9][\w!#$&^.+-]{0,126})?)$/;

export function readContentType(header: string | null): ContentType {
  const [first = "", ...parameters] = (header ?? "").slice(0, 300).split(";");
  const given = first.trim().toLowerCase();
  const type = typeName.test(given) ? given : "";
  const charset = parameters
    .map((each) => /^\s*charset\s*=\s*"?([^"\s]+)/i.exec(each)?.[1])
    .find((each) => each !== undefined);
  return { type, charset: charset ?? null, kind: kindOf(type) };
}

function kindOf(type: string): Kind {
  if (type === "text/html" || type === "application/xhtml+xml") return "html";
  if (type === "application/pdf" || type === "application/x-pdf") return "pdf";
  if (textTypes.test(type)) return "text";
  // What servers say of a file that they don't know.
  return ["", "application/octet-stream", "binary/octet-stream", "application/x-download", "*/*"].includes(type) ||
    !type.includes("/")
    ? "unknown"
    : "other";
}

const SEARCHED_BYTES = 1024;

/** What a body is, by what its server says and how it begins: types are wrong most often for what is no text. */
export function kindOfBody(declared: Kind, bytes: Uint8Array): Exclude<Kind, "unknown"> {
  const start = new TextDecoder("windows-1252").decode(bytes.subarray(0, SEARCHED_BYTES));
  // Some have a line before their mark. A page in place of one asks for a login, or says that it is gone.
  if (declared === "pdf") return start.includes("%PDF-") ? "pdf" : sniff(start);
  const found = sniff(start);
  if (declared === "unknown" || found === "pdf" || (declared === "text" && found === "other")) return found;
  return declared;
}

function sniff(start: string): Exclude<Kind, "unknown"> {
  if (start.startsWith("%PDF-")) return "pdf";
  // UTF-16 has zero bytes too, behind its mark.
  if (start.includes("\0") && !/^(?:ÿþ|þÿ)/.test(start)) return "other";
  const first = start
    .replace(/^ï»¿/, "")
    .replace(/<!--[\s\S]*?(?:-->|$)/g, "")
    .trimStart();
  return /^<(?:!doctype html|html|head|body)\b/i.test(first) ? "html" : "text";
}

/** For people: `an image (image/png, 48 KB)`. */
export function describeFile(type: string, size: number | null): string {
  const what = nouns.find(([pattern]) => pattern.test(type))?.[1] ?? "a file";
  const facts = [type || "of unknown type", ...(size === null ? [] : [describeSize(size)])];
  return `${what} (${facts.join(", ")})`;
}

const nouns: [RegExp, string][] = [
  [/^image\//, "an image"],
  [/^audio\//, "a recording"],
  [/^video\//, "a video"],
  [/^font\//, "a font"],
  [/zip|tar|compressed|rar|7z|x-xz|bzip/, "an archive"],
  [/word|excel|powerpoint|officedocument|opendocument|msword/, "an office document"],
  [/epub|mobi/, "a book"],
];

export function describeSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
