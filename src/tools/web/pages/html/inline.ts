// Text within a paragraph, a heading or a cell: emphasis, code, links, images by their description.
import { cutEnd } from "../../../../lib/truncate.ts";
import { type PageElement, type PageNode, textOf } from "./tree.ts";

export interface InlineWriter {
  /** Breaks become line ends. */
  write(nodes: PageNode[]): string;
  /** For headings and terms: without breaks, and without bold, which they are anyway. */
  writeLine(nodes: PageNode[]): string;
  /** For text that is written as it stands. */
  spend(text: string): string;
  isSpent(): boolean;
}

interface Style {
  bold: boolean;
  italic: boolean;
  linked: boolean;
}

const plain: Style = { bold: false, italic: false, linked: false };

/** A longer description of an image is a text of its own, which stands in the page too. */
const MAX_ALT = 200;

/** `limit`: the characters that it writes in all. */
export function createInlineWriter(limit: number): InlineWriter {
  let left = limit;
  const spend = (text: string): string => {
    const taken = cutEnd(text, Math.max(0, left));
    left -= text.length;
    return taken;
  };
  const writeAll = (nodes: PageNode[], style: Style): string => {
    const pieces: string[] = [];
    for (const node of nodes) {
      if (left <= 0) break;
      if (typeof node === "string") pieces.push(spend(collapse(cutEnd(node, left * 2))));
      else pieces.push(writeElement(node, style));
    }
    return pieces.join("");
  };
  const writeElement = (element: PageElement, style: Style): string => {
    const write = Object.hasOwn(writers, element.name) ? writers[element.name] : undefined;
    if (write !== undefined) return write(element, style, { spend, writeAll });
    const text = writeAll(element.children, style);
    // A block within a line, as in a heading or a cell.
    return element.block ? ` ${text} ` : text;
  };
  return {
    write: (nodes) => tidy(writeAll(nodes, plain)),
    writeLine: (nodes) => tidy(writeAll(nodes, { ...plain, bold: true }).replaceAll("\n", " ")),
    spend,
    isSpent: () => left <= 0,
  };
}

interface Tools {
  spend(text: string): string;
  writeAll(nodes: PageNode[], style: Style): string;
}

type ElementWriter = (element: PageElement, style: Style, tools: Tools) => string;

const bold: ElementWriter = ({ children }, style, { writeAll }) => {
  const text = writeAll(children, { ...style, bold: true });
  return style.bold ? text : mark(text, "**");
};

const italic: ElementWriter = ({ children }, style, { writeAll }) => {
  const text = writeAll(children, { ...style, italic: true });
  return style.italic ? text : mark(text, "*");
};

const code: ElementWriter = (element, _, { spend }) => {
  const text = spend(collapse(textOf(element)).trim());
  if (text === "") return "";
  return text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``;
};

const writers: Record<string, ElementWriter | undefined> = {
  b: bold,
  strong: bold,
  i: italic,
  em: italic,
  code,
  tt: code,
  kbd: code,
  samp: code,
  br: () => "\n",
  hr: () => " ",
  del: ({ children }, style, { writeAll }) => mark(writeAll(children, style), "~~"),
  s: ({ children }, style, { writeAll }) => mark(writeAll(children, style), "~~"),
  q: ({ children }, style, { writeAll }) => `“${writeAll(children, style)}”`,
  sup: (element, style, { writeAll }) => {
    // The number of a note of the page's own would look like the number of a source.
    if (/^\s*\[[^\]]{1,12}\]\s*$/.test(textOf(element))) return "";
    const text = writeAll(element.children, style);
    return /^[\d+\-−n]{1,3}$/.test(text) ? `^${text}` : text;
  },
  img: ({ attributes }, _, { spend }) => {
    const alt = (attributes.alt ?? "").replace(/\s+/g, " ").trim();
    const isName =
      /^\S+\.(?:png|jpe?g|gif|webp|svg|avif)$/i.test(alt) ||
      /^(?:image|img|photo|picture|logo|icon|avatar|图片)$/i.test(alt);
    return alt === "" || isName ? "" : spend(`[image: ${cutEnd(alt, MAX_ALT)}]`);
  },
  a: (element, style, { spend, writeAll }) => {
    const { href = "" } = element.attributes;
    const text = writeAll(element.children, { ...style, linked: true });
    if (href === "" || style.linked) return /^\s*[#¶§]\s*$/.test(text) ? "" : text;
    const label = text.trim().replaceAll("\n", " ");
    if (label === "") return text;
    const [before, after] = [text.startsWith(" ") ? " " : "", text.endsWith(" ") ? " " : ""];
    if (label === href) return `${before}<${href}>${after}`;
    return `${before}[${label}](${spend(href)})${after}`;
  },
};

/** The marks stand at the text: with a space between them they mark nothing. */
function mark(text: string, sign: string): string {
  const inner = text.trim();
  if (inner === "" || inner.includes("\n")) return text;
  const start = text.length - text.trimStart().length;
  return `${text.slice(0, start)}${sign}${inner}${sign}${text.slice(start + inner.length)}`;
}

const UNEVEN = /\s{2}|[^\S ]/;
/** As many arguments as a call may have everywhere. */
const UNITS_AT_ONCE = 8192;

/**
 * Every run of white space as one space. A `replace` takes tens of megabytes where half of a long text is white space,
 * which an isolate does not have to spare.
 */
function collapse(text: string): string {
  if (!UNEVEN.test(text)) return text;
  const units = new Uint16Array(text.length);
  let size = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const isSpace = code <= 32 || code === 0xa0 || (code >= 0x1680 && /\s/.test(text.charAt(at)));
    if (!isSpace) units[size++] = code;
    else if (size === 0 || units[size - 1] !== 32) units[size++] = 32;
  }
  const pieces: string[] = [];
  for (let at = 0; at < size; at += UNITS_AT_ONCE) {
    pieces.push(String.fromCharCode(...units.subarray(at, Math.min(size, at + UNITS_AT_ONCE))));
  }
  return pieces.join("");
}

function tidy(text: string): string {
  return text
    .replace(/ {2,}/g, " ")
    .replace(/ ?\n ?/g, "\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}
