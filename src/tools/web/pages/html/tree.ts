// Reads HTML into a small tree of what a person would see. htmlparser2 repairs broken HTML as browsers do; everything
// behind it (Readability, the Markdown) works on this tree, so its bounds hold for all of it: a hostile page can cost
// time and memory in proportion to its 2 MB, and no more.
import { Parser } from "htmlparser2";
import { type HeadFacts, newHead, readHeadTag } from "./head.ts";
import { isDropped } from "./hidden.ts";

export interface PageElement {
  name: string;
  attributes: Record<string, string>;
  children: PageNode[];
  /** Whether it is, or contains, an element that begins a new line. */
  block: boolean;
}

export type PageNode = string | PageElement;

export interface PageTree {
  root: PageElement;
  head: HeadFacts;
  /** Whether the page had more elements, or deeper ones, than are read. */
  cut: boolean;
}

export interface TreeOptions {
  /** Resolves addresses that the page writes relative to itself; a `<base>` of the page takes its place. */
  url: string;
  /** Reads what browsers show without scripts. */
  noscript: boolean;
}

/** Five times what the largest encyclopedia articles have. More would take half of an isolate's memory. */
const MAX_ELEMENTS = 40_000;
/** Functions that walk the tree call themselves. Browsers nest 512 levels; what is deeper goes into the last of these. */
const MAX_LEVELS = 200;
/** htmlparser2 searches its stack for each closing tag. A page that leaves this many elements open is read no further. */
const MAX_OPEN = 1000;
/** The text is given in pieces, and `MAX_OPEN` is checked between them. */
const PIECE_LENGTH = 8 * 1024;
/** Longer addresses are data or trackers. */
const MAX_ADDRESS = 1000;
const MAX_ATTRIBUTE = 500;
/** Of all addresses of a page together: a long `<base>` would make each short one long. */
const MAX_ADDRESSES = 3_000_000;

const keptAttributes = new Set([
  ...["href", "alt", "class", "id", "role", "dir", "start", "colspan", "rowspan", "datetime", "type", "checked"],
  ...["data-lang", "data-language", "itemprop", "rel", "title"],
]);

const blockNames = new Set(
  "address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol p pre section summary table tbody td tfoot th thead tr ul".split(
    " ",
  ),
);

export function readTree(html: string, { url, noscript }: TreeOptions): PageTree {
  const head = newHead(url);
  const page = url.split("#")[0] ?? url;
  const root = newElement("#root", {});
  const open: PageElement[] = [root];
  let [depth, elements, dropped_at, addresses] = [0, 0, 0, 0];
  const text = collectPieces();
  const endText = (): void => {
    const whole = text.take();
    if (whole !== "") open.at(-1)?.children.push(whole);
  };
  const parser = new Parser({
    onopentag(name, attributes) {
      depth += 1;
      if (dropped_at > 0) return;
      endText();
      readHeadTag(head, name, attributes);
      if (isDropped(name, attributes, noscript)) {
        dropped_at = depth;
        return;
      }
      elements += 1;
      const parent = open.at(-1) ?? root;
      // Readability would drop what looks like a part of a form.
      if (name === "input") parent.children.push(attributes.checked === undefined ? "[ ] " : "[x] ");
      if (attributes.href !== undefined) addresses += head.base.length + attributes.href.length;
      const place = addresses < MAX_ADDRESSES ? { page, base: head.base } : null;
      const element =
        open.length < MAX_LEVELS
          ? newElement(name === "button" ? "span" : name, keepAttributes(name, attributes, place))
          : parent;
      if (element !== parent) parent.children.push(element);
      open.push(element);
      if (blockNames.has(name)) markBlock(open);
    },
    ontext(piece) {
      if (head.capture !== null) head.capture(piece);
      else if (dropped_at === 0) text.add(piece);
    },
    onclosetag() {
      head.capture = null;
      endText();
      if (dropped_at === depth) dropped_at = 0;
      else if (dropped_at === 0) open.pop();
      depth -= 1;
    },
  });
  let at = 0;
  for (; at < html.length && depth < MAX_OPEN && elements < MAX_ELEMENTS; at += PIECE_LENGTH) {
    parser.write(html.slice(at, at + PIECE_LENGTH));
  }
  const cut = at < html.length;
  parser.end();
  endText();
  return { root, head, cut };
}

/** The parser gives text in pieces as small as a sign, each of which would take more memory than it says. */
function collectPieces(): { add(piece: string): void; take(): string } {
  let [whole, pieces] = ["", [] as string[]];
  const join = (): void => {
    whole += pieces.join("");
    pieces = [];
  };
  return {
    add(piece) {
      if (pieces.push(piece) >= MAX_PIECES) join();
    },
    take() {
      join();
      const taken = whole;
      whole = "";
      return taken;
    },
  };
}

const MAX_PIECES = 1000;

export function newElement(name: string, attributes: Record<string, string>, children: PageNode[] = []): PageElement {
  return { name, attributes, children, block: blockNames.has(name) };
}

/** Amortized: an element is marked once. */
function markBlock(open: PageElement[]): void {
  for (let at = open.length - 1; at >= 0; at--) {
    const element = open[at];
    if (element === undefined || (element.block && at < open.length - 1)) return;
    element.block = true;
  }
}

const none: Record<string, string> = Object.freeze({});

function keepAttributes(name: string, attributes: Record<string, string>, place: Place | null): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [key, value] of Object.entries(attributes)) {
    if (!keptAttributes.has(key)) continue;
    if (key !== "href") kept[key] = value.slice(0, MAX_ATTRIBUTE);
    else if (name === "a" && place !== null) kept.href = resolveAddress(value, place);
  }
  if (kept.href === "") delete kept.href;
  return Object.keys(kept).length === 0 ? none : kept;
}

/** Empty where there is nothing to read: places in the page itself, scripts, data, mail. */
function resolveAddress(address: string, { page, base }: Place): string {
  const given = address.trim();
  if (given === "" || given.startsWith("#") || given.length > MAX_ADDRESS) return "";
  const url = URL.parse(given, base);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) return "";
  const isPlaceInPage = url.hash !== "" && url.href.slice(0, -url.hash.length) === page;
  if (isPlaceInPage || url.href.length > MAX_ADDRESS) return "";
  return url.href.replaceAll("(", "%28").replaceAll(")", "%29");
}

/** Where an address stands: the page's own address without its fragment, and what relative ones begin with. */
interface Place {
  page: string;
  base: string;
}

/** The first element in document order that fits. */
export function findElement(from: PageElement, fits: (element: PageElement) => boolean): PageElement | null {
  if (fits(from)) return from;
  for (const child of from.children) {
    const found = typeof child === "string" ? null : findElement(child, fits);
    if (found !== null) return found;
  }
  return null;
}

/** The text as it stands in the HTML, spaces included. */
export function textOf(node: PageNode): string {
  const pieces: string[] = [];
  collectText(node, pieces);
  return pieces.join("");
}

function collectText(node: PageNode, pieces: string[]): void {
  if (typeof node === "string") pieces.push(node);
  else if (node.name === "br") pieces.push("\n");
  else for (const child of node.children) collectText(child, pieces);
}
