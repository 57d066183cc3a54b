// HTML as a page that a model can read: title, date, and the main content as Markdown.
import type { Page } from "../page.ts";
import { findArticle } from "./article.ts";
import { selectContent } from "./content.ts";
import { dateOf, type HeadFacts, titleOf } from "./head.ts";
import { toMarkdown } from "./markdown.ts";
import { measure, measureAll, proseOf } from "./measure.ts";
import { findElement, type PageNode, type PageTree, readTree, textOf } from "./tree.ts";

/** As much as fifty parts that the tool shows. The Markdown of a page can be longer than its HTML: links become absolute. */
const MAX_MARKDOWN = 1_000_000;

/** A page with less text than this, in characters without spaces, and with scripts is filled by them. */
const NEARLY_EMPTY = 200;

/**
 * An article with less than this share of the page's prose is only a part of what the page says. Pages that call
 * themselves articles have prose around them too: teasers, comments.
 */
const ARTICLE_SHARE = { named: 0.5, other: 0.85 };

export function readHtml(html: string, url: string): Page {
  const first = readTree(html, { url, noscript: false });
  const isEmpty = (tree: PageTree): boolean => measure(tree.root).text < NEARLY_EMPTY;
  const second = isEmpty(first) && /<noscript/i.test(html) ? readTree(html, { url, noscript: true }) : first;
  const tree = measure(second.root).text > measure(first.root).text ? second : first;
  const { text, cut } = toMarkdown(choose(tree, url), MAX_MARKDOWN);
  const title = titleOf(tree.head) ?? headingOf(tree);
  const { head } = tree;
  return {
    title,
    date: dateOf(head),
    text: [text, writeFrames(head), writeRefresh(head, isEmpty(tree))].filter((part) => part !== "").join("\n\n"),
    notes: [
      ...(tree.cut || cut ? ["The page is longer than this tool reads; its end is missing."] : []),
      ...(isEmpty(tree) && head.scripts > 0 && head.refresh === null && head.frames.length === 0
        ? [NEEDS_BROWSER]
        : []),
    ],
  };
}

const NEEDS_BROWSER =
  "The page has hardly any text of its own: scripts fill it in a browser, which this tool does not have. Look for another page with the same facts, for the address of its data (an API, a feed), or open it with a browser in the sandbox.";

function choose(tree: PageTree, url: string): PageNode[] {
  const { nodes, is_marked } = selectContent(tree.root);
  const is_article = isArticle(tree.head);
  // What Readability leaves out of a page that is no article and marks its content is more often content than not.
  const article = is_marked && !is_article ? null : findArticle(nodes, url);
  if (article === null) return nodes;
  const share = proseOf(measureAll(article)) / Math.max(1, proseOf(measureAll(nodes)));
  return share >= (is_article ? ARTICLE_SHARE.named : ARTICLE_SHARE.other) ? article : nodes;
}

const articleType = /"@type"\s{0,20}:\s{0,20}\[?\s{0,20}"(?:[A-Za-z]*Article|[A-Za-z]*Posting)"/;

function isArticle({ metas, linked_data }: HeadFacts): boolean {
  const named = metas.get("og:type")?.toLowerCase() === "article" || metas.has("article:published_time");
  return named || articleType.test(linked_data);
}

function headingOf({ root }: PageTree): string | null {
  const heading = findElement(root, ({ name }) => name === "h1");
  return heading === null ? null : textOf(heading).replace(/\s+/g, " ").trim().slice(0, 300) || null;
}

function writeFrames({ frames }: HeadFacts): string {
  if (frames.length === 0) return "";
  const lines = frames.map(({ name, url }) => `- ${name === "" ? "frame" : name}: <${url}>`);
  return ["The page consists of frames, which are pages of their own:", ...lines].join("\n");
}

/** In the text and no note: the words of the page name the address, so it may be read. */
function writeRefresh({ refresh }: HeadFacts, isEmpty: boolean): string {
  return refresh !== null && isEmpty ? `The page sends its readers on to <${refresh}>` : "";
}
