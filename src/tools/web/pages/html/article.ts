// Finds the article of a page with Readability, the library behind Firefox's reader view. It needs a DOM, for which it
// brings a small one of its own. That one reads only what is well-formed, so it gets our tree, written again.
import { Readability } from "@mozilla/readability";
import JSDOMParser from "@mozilla/readability/JSDOMParser.js";
import { measure } from "./measure.ts";
import { newElement, type PageElement, type PageNode, readTree } from "./tree.ts";

/**
 * Readability looks at each element several times, and reads the text of many with all that is below them. The largest
 * articles have a quarter of this.
 */
const MAX_ELEMENTS = 20_000;
const MAX_READ_CHARACTERS = 10_000_000;
/** Signs that are written as entities: a text of them alone would be five times as long. */
const MAX_SIGNS = 100_000;

/** What it takes for the article; null where it finds none. */
export function findArticle(nodes: PageNode[], url: string): PageNode[] | null {
  if (isTooLarge(newElement("body", {}, nodes))) return null;
  const html = `<html><head></head><body>${nodes.map(writeNode).join("")}</body></html>`;
  const options = { keepClasses: true, disableJSONLD: true };
  try {
    const article = new Readability(new JSDOMParser().parse(html, url), options).parse();
    if (!article?.content) return null;
    return readTree(article.content, { url, noscript: true }).root.children;
  } catch {
    // It promises nothing about pages that are no articles; the whole page is read then.
    return null;
  }
}

const droppedAround = new Set(["html", "body", "head"]);
const voidNames = new Set(["br", "hr", "img", "input", "wbr", "col"]);

function writeNode(node: PageNode): string {
  if (typeof node === "string") return escapeText(node);
  const inner = node.children.map(writeNode).join("");
  if (droppedAround.has(node.name) || !/^[a-z][a-z0-9-]*$/.test(node.name)) return inner;
  const attributes = Object.entries(node.attributes).map(([name, value]) => ` ${name}="${escapeText(value)}"`);
  // Remarks in the content: those beside it are gone by now, and Readability would drop all.
  const name = node.name === "aside" ? "div" : node.name;
  const start = `<${name}${attributes.join("")}`;
  return voidNames.has(name) ? `${start}/>` : `${start}>${inner}</${name}>`;
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function isTooLarge(root: PageElement): boolean {
  let [elements, characters, signs] = [0, 0, 0];
  const count = (element: PageElement): void => {
    elements += 1;
    characters += measure(element).text;
    for (const child of element.children) {
      if (typeof child === "string") signs += countSigns(child);
      else count(child);
    }
  };
  count(root);
  return elements > MAX_ELEMENTS || characters > MAX_READ_CHARACTERS || signs > MAX_SIGNS;
}

function countSigns(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) if ('&<>"'.includes(text.charAt(at))) count += 1;
  return count;
}
