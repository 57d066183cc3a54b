// Text of the web as data: between tags of ours, with the tags inside escaped and what nobody can see removed. A page
// may say anything between them, and has no way to end them.
import { escapeTags } from "../../agent/context/own-tags.ts";
import { cutEnd } from "../../lib/truncate.ts";

const TAG = "web_content";

/** `n` is the source's number. Host and text may be anything. */
export function fence({ n, host }: { n: number; host: string }, text: string): string {
  // A host has no quotes or spaces; what has is no host.
  const name = cleanLine(host, 253).replace(/[^\p{L}\p{N}.:[\]-]/gu, "");
  return `<${TAG} source="[${n}] ${name}">\n${cleanText(text)}\n${CLOSING}`;
}

const CLOSING = `</${TAG}>`;
/** As `fence` writes it, with a host of 253 characters and any number. */
const OPENED = new RegExp(`^<${TAG} source="\\[\\d+\\] [^"\\n]*">`);
const MAX_OPENING = 320;

/** The tag that opens the fence in which this place of a text stands; null if it stands in none. */
export function fenceAt(text: string, place: number): string | null {
  const from = text.lastIndexOf(`<${TAG} `, place);
  if (from < 0 || text.lastIndexOf(CLOSING, place) > from) return null;
  return OPENED.exec(text.slice(from, from + MAX_OPENING))?.[0] ?? null;
}

/** A part of a text, beginning at `start`, in the fences in which it stands there. */
export function withFences(text: string, start: number, part: string): string {
  const opening = fenceAt(text, start);
  const begun = opening === null ? part : `${opening}\n${part}`;
  return fenceAt(begun, begun.length) === null ? begun : `${begun}\n${CLOSING}`;
}

/** Lines of a text, each in the fence that `opening` began there. Neighbours share it. */
export function joinFenced(lines: { opening: string | null; line: string }[]): string {
  let open: string | null = null;
  const written = lines.flatMap(({ opening, line }) => {
    const between = opening === open ? [] : [open === null ? null : CLOSING, opening];
    open = opening;
    return [...between.filter((tag) => tag !== null), line];
  });
  return [...written, ...(open === null ? [] : [CLOSING])].join("\n");
}

/**
 * Control characters, and what takes no room and may yet be read by a model: zero-width characters, direction marks,
 * variation selectors, the invisible twins of ASCII at U+E0000. Emoji that are joined fall apart, which is no loss.
 */
const HIDDEN = /(?![\n\t])[\p{Cc}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu;

/** Lines stay as they are. */
export function cleanText(text: string): string {
  const shown = text
    .replace(/\r\n?|[\v\f\u0085\u2028\u2029]/g, "\n")
    .replace(HIDDEN, "")
    .toWellFormed();
  const spellsTag = tagFinder(shown);
  return escapeTags(shown.replace(OPENING, (sign, at: number) => (spellsTag(at) ? "&lt;" : sign)));
}

/** On one line, and at most `limit` units long. */
export function cleanLine(text: string, limit: number): string {
  const line = cleanText(cutEnd(text, 8 * limit))
    .replace(/\s+/g, " ")
    .trim();
  return line.length <= limit ? line : `${cutEnd(line, limit - 1).trimEnd()}…`;
}

/** The sign that begins a tag, and the others that look like it. */
const OPENING = /[<\uff1c\ufe64\u2039\u3008\u276e\u02c2\u1438\u16b2]/g;
/** As far as a tag's name can reach, with spaces and signs in between. */
const NAME_REACH = 48;
/** Letters of other scripts that look like those of the tags. */
const TWINS: Record<string, string> = {
  ...{ ԝ: "w", ѡ: "w", ω: "w", ш: "w", е: "e", ҽ: "e", ε: "e", ь: "b", в: "b", β: "b" },
  ...{ с: "c", ϲ: "c", о: "o", ο: "o", п: "n", η: "n", т: "t", τ: "t", "0": "o", "3": "e", "8": "b" },
  ...{ а: "a", ɑ: "a", α: "a", і: "i", ι: "i", ı: "i", "1": "l", ӏ: "l", м: "m", ѕ: "s", ԁ: "d", р: "p", ρ: "p" },
  ...{ у: "y", γ: "y", һ: "h", ј: "j", ν: "v", ѵ: "v", г: "r", к: "k", κ: "k", υ: "u" },
};
/** The tags of `escapeTags`, as letters alone. */
const NAMES =
  /^(?:webcontent|environment|projectnotes|conversationsummary|personmessage|(?:plan)?reminder|webhookpayload)/;

/**
 * Finds where a model could take what begins for a tag of ours: in other letters, widths and cases, with signs between.
 * Called with the places of a text in their order; each sign is read once for all of them.
 */
function tagFinder(text: string): (at: number) => boolean {
  /** The letters after the place that is asked about, as far as a name can reach. */
  const letters: { letter: string; place: number }[] = [];
  let read = 0;
  return (at) => {
    const end = at + 1 + NAME_REACH;
    read = Math.max(read, at + 1);
    while (read < Math.min(end, text.length)) {
      const sign = String.fromCodePoint(text.codePointAt(read) ?? 0);
      for (const part of sign.normalize("NFKD").toLowerCase()) {
        const letter = TWINS[part] ?? part;
        if (/^[a-z]$/.test(letter)) letters.push({ letter, place: read });
      }
      read += sign.length;
    }
    while (letters[0] !== undefined && letters[0].place <= at) letters.shift();
    const spelled = letters.map(({ letter, place }) => (place < end ? letter : "")).join("");
    return NAMES.test(spelled);
  };
}
