// Writes a tree as Markdown for a model: what is not structure is left as it stands, so signs such as `*` in a text are
// not escaped. Work and memory are bounded by a budget of characters that the whole page shares.
import { createInlineWriter, type InlineWriter } from "./inline.ts";
import { measure } from "./measure.ts";
import { isDataTable, layoutCells, writeTable } from "./table.ts";
import { findElement, type PageElement, type PageNode, textOf } from "./tree.ts";

/** Deeper lists and quotations are written without more indentation. */
const MAX_INDENTS = 8;

export interface Markdown {
  text: string;
  /** Whether the budget ended it. */
  cut: boolean;
}

export function toMarkdown(nodes: PageNode[], limit: number): Markdown {
  const inline = createInlineWriter(limit);
  const text = join(writeBlocks(nodes, { inline, indents: 0 }));
  return { text, cut: inline.isSpent() };
}

interface Place {
  inline: InlineWriter;
  /** Lists and quotations around. */
  indents: number;
}

function writeBlocks(nodes: PageNode[], place: Place): string[] {
  const blocks: string[] = [];
  let run: PageNode[] = [];
  const flush = (): void => {
    const text = run.length === 0 ? "" : place.inline.write(run);
    if (text !== "") blocks.push(text);
    run = [];
  };
  for (const node of nodes) {
    if (place.inline.isSpent()) break;
    if (typeof node === "string" || !node.block) {
      run.push(node);
      continue;
    }
    flush();
    // A call with a hundred thousand arguments would overflow the stack.
    for (const block of writeBlock(node, place)) blocks.push(block);
  }
  flush();
  return blocks;
}

function writeBlock(element: PageElement, place: Place): string[] {
  const { name, children } = element;
  if (/^h[1-6]$/.test(name)) return writeHeading(element, place);
  const write = Object.hasOwn(writers, name) ? writers[name] : undefined;
  return write === undefined ? writeBlocks(children, place) : write(element, place);
}

type BlockWriter = (element: PageElement, place: Place) => string[];

const writers: Record<string, BlockWriter | undefined> = {
  ul: writeList,
  ol: writeList,
  menu: writeList,
  dir: writeList,
  dl: writeDefinitions,
  pre: (element, { inline }) => [writeCode(element, inline)].filter((text) => text !== ""),
  hr: () => ["---"],
  table: writeAnyTable,
  blockquote: ({ children }, place) => {
    const text = join(writeBlocks(children, indented(place)));
    return text === "" ? [] : [place.indents < MAX_INDENTS ? prefix(text, "> ", "> ") : text];
  },
  summary: ({ children }, place) => strong(writeBlocks(children, place)),
  a: (element, place) => linkFirst(writeBlocks(element.children, place), element.attributes.href ?? ""),
};

function writeHeading(heading: PageElement, place: Place): string[] {
  const { name, children } = heading;
  // A heading that is never closed holds the rest of the page.
  if (heading.block && measure(heading).text > MAX_HEADING && findElement(heading, isPart) !== null) {
    return writeBlocks(children, place);
  }
  // What stands in a heading as a block is a part of its line.
  const text = place.inline.writeLine(children).replace(/(?<!\s)\s*[#¶§]$/, "");
  return text === "" ? [] : [`${"#".repeat(Number(name.slice(1)))} ${text}`];
}

const MAX_HEADING = 120;

function isPart({ name }: PageElement): boolean {
  return ["p", "ul", "ol", "table", "pre", "blockquote"].includes(name);
}

function strong(blocks: string[]): string[] {
  const [first, ...rest] = blocks;
  if (first === undefined) return [];
  return /^[#*]|\n/.test(first) ? blocks : [`**${first}**`, ...rest];
}

/** A link around blocks, such as a card, becomes a link of its first line. */
function linkFirst(blocks: string[], url: string): string[] {
  const [first, ...rest] = blocks;
  if (first === undefined || url === "") return blocks;
  const [, marks = "", line = ""] = /^(#+ )?(.*)$/.exec(first) ?? [];
  return line === "" || line.includes("](") ? blocks : [`${marks}[${line}](${url})`, ...rest];
}

function writeList(list: PageElement, place: Place): string[] {
  let number = Number.parseInt(list.attributes.start ?? "1", 10);
  if (!Number.isSafeInteger(number) || number < 0) number = 1;
  const items: string[] = [];
  for (const child of list.children) {
    if (place.inline.isSpent()) break;
    // A list within a list and without an item of its own belongs to the item before it.
    const isItem = typeof child !== "string" && child.name === "li";
    const text = joinItem(writeBlocks(isItem ? child.children : [child], indented(place)));
    if (text === "") continue;
    const mark = list.name === "ol" ? `${number}. ` : "- ";
    const space = place.indents < MAX_INDENTS ? " ".repeat(mark.length) : "";
    if (isItem || items.length === 0) items.push(prefix(text, mark, space));
    else items.push(prefix(text, space, space));
    if (isItem) number += 1;
  }
  return items.length === 0 ? [] : [items.join("\n")];
}

function writeDefinitions({ children }: PageElement, place: Place): string[] {
  const lines: string[] = [];
  let terms: string[] = [];
  const within = indented(place);
  for (const child of unwrap(children)) {
    if (typeof child === "string") continue;
    if (child.name === "dt") {
      const term = place.inline.writeLine(child.children);
      if (term !== "") terms.push(term);
      continue;
    }
    const text = joinItem(writeBlocks(child.children, within));
    const label = terms.length === 0 ? "" : `**${terms.join(", ")}**: `;
    if (label !== "" || text !== "") lines.push(prefix(`${label}${text}`, "- ", "  "));
    terms = [];
  }
  if (terms.length > 0) lines.push(`- **${terms.join(", ")}**`);
  return lines.length === 0 ? [] : [lines.join("\n")];
}

/** Pairs of term and definition may stand in a `div` each. */
function unwrap(children: PageNode[]): PageNode[] {
  return children.flatMap((child) => (typeof child !== "string" && child.name === "div" ? child.children : [child]));
}

function writeAnyTable(table: PageElement, place: Place): string[] {
  if (!isDataTable(table)) return layoutCells(table).flatMap((cell) => writeBlocks(cell, place));
  const written = writeTable(table, place.inline);
  return written === "" ? [] : [written];
}

const languageClass =
  /(?:^|\s)(?:language|lang|highlight-source|highlight|brush:?|sourceCode)[-\s:]\s*([a-z][a-z0-9+#_.-]{0,20})/i;

function writeCode(pre: PageElement, inline: InlineWriter): string {
  const text = inline.spend(textOf(pre).replace(/^\n/, "").replaceAll("\r", "")).trimEnd();
  if (text.trim() === "") return "";
  const runs = text.match(/`{3,}/g) ?? [];
  const fence = "`".repeat(runs.reduce((longest, { length }) => Math.max(longest, length + 1), 3));
  return `${fence}${languageOf(pre)}\n${text}\n${fence}`;
}

function languageOf(pre: PageElement): string {
  const code = pre.children.find((child) => typeof child !== "string" && child.name === "code");
  for (const element of [code, pre]) {
    if (element === undefined || typeof element === "string") continue;
    const { class: classes = "", "data-lang": lang, "data-language": language } = element.attributes;
    const named = lang ?? language ?? languageClass.exec(classes)?.[1] ?? "";
    if (/^[a-z][a-z0-9+#_.-]{0,20}$/i.test(named) && !/^(?:none|text|plain\w*|code|highlight)$/i.test(named))
      return named.toLowerCase();
  }
  return "";
}

function indented(place: Place): Place {
  return { ...place, indents: place.indents + 1 };
}

function join(blocks: string[]): string {
  return blocks.join("\n\n");
}

/** An item's list stands right below its text. */
function joinItem(blocks: string[]): string {
  return blocks.reduce((text, block) => {
    if (text === "") return block;
    return `${text}${/^(?:- |\d+\. )/.test(block) ? "\n" : "\n\n"}${block}`;
  }, "");
}

function prefix(text: string, first: string, rest: string): string {
  if (rest === "") return first + text;
  const [line = "", ...lines] = text.split("\n");
  const blank = rest.trimEnd();
  return [first + line, ...lines.map((each) => (each === "" ? blank : rest + each))].join("\n");
}
