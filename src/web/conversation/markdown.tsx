// Renders a model's text from Markdown. No HTML is ever parsed or produced: each token becomes one of our elements, so
// a model's output can't be more than text, and a link leads only where a browser may go. Images are links: loading one
// would report to its server that, and which, page was shown.
import type { Token, Tokens } from "marked";
import { Fragment, memo, type ReactNode, useRef, useState } from "react";
import remend from "remend";
import { findCitations } from "../../lib/citations.ts";
import { defineWords, useWords } from "../state/words.ts";
import { BlockReader, maxBlockCharacters, readTokens } from "./blocks.ts";
import { Cited } from "./cited.tsx";
import { Code } from "./code.tsx";
import { findPlace, readLink } from "./link.ts";
import styles from "./markdown.module.css";

const words = defineWords(
  { showAll: (count: string) => `Show all (${count} characters)` },
  { showAll: (count) => `全部显示（${count} 个字符）` },
);

/** Mending runs on each frame, and takes quadratic time on some texts. */
const maxMendedCharacters = 3_000;

/** Lists in lists, quotes in quotes: deeper levels stay text. */
const deepest = 12;

export function Markdown({ text, open }: { text: string; open: boolean }) {
  const reader = useRef<BlockReader>(null);
  reader.current ??= new BlockReader();
  const blocks = reader.current.read(text);
  return (
    <div className={styles.markdown} data-open={open || undefined}>
      {blocks.map((block, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: blocks only grow at the end; their places are their names
        <Block key={index} text={block} open={open && index === blocks.length - 1} />
      ))}
    </div>
  );
}

const Block = memo(function Block({ text, open }: { text: string; open: boolean }) {
  // Unfinished markup is shown as it will look: bold before its closing stars arrive.
  const tokens =
    text.length > maxBlockCharacters
      ? null
      : readTokens(open && text.length < maxMendedCharacters ? remend(text) : text);
  if (tokens === null) return <LongText text={text} />;
  return <>{tokens.map((token, index) => drawBlock(token, index, 0, open))}</>;
});

function LongText({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(false);
  const said = useWords(words);
  if (isWhole || text.length <= maxBlockCharacters)
    return (
      <p className={styles.plain} dir="auto">
        {text}
      </p>
    );
  return (
    <div className={styles.block}>
      <p className={styles.plain} dir="auto">
        {text.slice(0, maxBlockCharacters)}…
      </p>
      <button type="button" className={styles.more} onClick={() => setWhole(true)}>
        {said.showAll(text.length.toLocaleString())}
      </button>
    </div>
  );
}

function drawBlock(token: Token, key: number, depth: number, open: boolean): ReactNode {
  if (depth > deepest) return <Fragment key={key}>{token.raw}</Fragment>;
  const inner = (tokens: Token[] | undefined): ReactNode => drawInline(tokens ?? [], depth + 1);
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "heading":
      return drawHeading(token as Tokens.Heading, key, directionAt(depth), inner);
    case "paragraph":
      return (
        <p key={key} dir={directionAt(depth)}>
          {inner(token.tokens)}
        </p>
      );
    case "checkbox":
      return drawBox(token, key);
    case "text":
      return <Fragment key={key}>{token.tokens ? inner(token.tokens) : token.raw}</Fragment>;
    case "code":
      return <Code key={key} text={token.text} language={token.lang ?? ""} open={open} />;
    case "hr":
      return <hr key={key} />;
    case "blockquote":
      return (
        <blockquote key={key} dir={directionAt(depth)}>
          {drawBlocks(token.tokens, depth, open)}
        </blockquote>
      );
    case "list":
      return drawList(token as Tokens.List, key, depth, open);
    case "table":
      return drawTable(token as Tokens.Table, key, inner);
    default:
      // HTML among them: it is text like any other.
      return (
        <p key={key} className={styles.plain} dir={directionAt(depth)}>
          {token.raw.trimEnd()}
        </p>
      );
  }
}

function drawBlocks(tokens: Token[] | undefined, depth: number, open: boolean): ReactNode {
  return (tokens ?? []).map((token, index) => drawBlock(token, index, depth + 1, open));
}

/**
 * The direction of a block is that of its first letter. The browser looks for it in what has no direction of its own, so
 * blocks within blocks have none; their lines are aligned by the style.
 */
function directionAt(depth: number): "auto" | undefined {
  return depth === 0 ? "auto" : undefined;
}

/** The page has headings of its own, so a text's begin below them. */
function drawHeading(
  { depth, tokens }: Tokens.Heading,
  key: number,
  direction: "auto" | undefined,
  inner: (tokens: Token[]) => ReactNode,
): ReactNode {
  const Tag = depth <= 1 ? "h3" : depth === 2 ? "h4" : "h5";
  return (
    <Tag key={key} dir={direction}>
      {inner(tokens)}
    </Tag>
  );
}

/** In a list whose entries are apart it begins the entry's paragraph, otherwise the entry. */
function drawBox(token: Token, key: number): ReactNode {
  return <Fragment key={key}>{"checked" in token && token.checked ? "☑ " : "☐ "}</Fragment>;
}

function drawList({ ordered, start, items }: Tokens.List, key: number, depth: number, open: boolean): ReactNode {
  const drawn = items.map((item, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a list's entries have no other name
    <li key={index} className={item.task ? styles.task : undefined}>
      {drawBlocks(item.tokens, depth, open)}
    </li>
  ));
  if (!ordered)
    return (
      <ul key={key} dir="auto">
        {drawn}
      </ul>
    );
  return (
    <ol key={key} dir="auto" start={typeof start === "number" ? start : undefined}>
      {drawn}
    </ol>
  );
}

function drawTable(
  { header, rows, align }: Tokens.Table,
  key: number,
  inner: (tokens: Token[]) => ReactNode,
): ReactNode {
  const drawCell = (Tag: "th" | "td", cell: Tokens.TableCell, index: number): ReactNode => (
    <Tag
      key={index}
      className={align[index] === "right" ? styles.right : align[index] === "center" ? styles.center : undefined}
    >
      {inner(cell.tokens)}
    </Tag>
  );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a table that is wider than the page is scrolled with the keyboard too
    <div key={key} className={styles.table} tabIndex={0} dir="auto">
      <table>
        <thead>
          <tr>{header.map((cell, index) => drawCell("th", cell, index))}</tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a table's rows have no other name
            <tr key={index}>{row.map((cell, place) => drawCell("td", cell, place))}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function drawInline(tokens: Token[], depth: number): ReactNode {
  if (depth > deepest) return tokens.map(({ raw }) => raw).join("");
  return tokens.map((token, index) => drawSpan(token, index, depth));
}

function drawSpan(token: Token, key: number, depth: number): ReactNode {
  const inner = (): ReactNode => drawInline(("tokens" in token && token.tokens) || [], depth + 1);
  switch (token.type) {
    case "strong":
      return <strong key={key}>{inner()}</strong>;
    case "em":
      return <em key={key}>{inner()}</em>;
    case "del":
      return <del key={key}>{inner()}</del>;
    case "codespan":
      return <code key={key}>{token.text}</code>;
    case "checkbox":
      return drawBox(token, key);
    case "br":
      return <br key={key} />;
    case "escape":
      return <Fragment key={key}>{token.text}</Fragment>;
    case "link":
      return drawLink(token.href, token.text, inner(), key);
    case "image":
      return drawLink(token.href, token.text, token.text || token.href, key);
    case "text":
      return <Fragment key={key}>{token.tokens ? inner() : drawText(decode(token.text))}</Fragment>;
    default:
      return <Fragment key={key}>{token.raw}</Fragment>;
  }
}

function drawText(text: string): ReactNode {
  const citations = findCitations(text);
  return citations.length === 0 ? text : <Cited text={text} citations={citations} />;
}

function drawLink(href: string, text: string, label: ReactNode, key: number): ReactNode {
  const safe = readLink(href);
  if (safe === null) return <Fragment key={key}>{label}</Fragment>;
  const place = findPlace(text, safe);
  return (
    <Fragment key={key}>
      <a href={safe} target="_blank" rel="noopener noreferrer">
        {label}
      </a>
      {place === null ? null : ` (${place})`}
    </Fragment>
  );
}

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", nbsp: "\u00a0" };

/** The few entities that models write outside of code. */
function decode(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (whole, name: string) => entities[name] ?? whole);
}
