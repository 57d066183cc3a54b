// The content of a page that is no article: everything but what stands on each page of its site. Pages say it by the
// names of elements and roles, older ones by classes; lists of links that are small beside the rest are navigation.
import { type Measure, measure, proseOf } from "./measure.ts";
import { findElement, type PageElement, type PageNode } from "./tree.ts";

export interface Content {
  nodes: PageNode[];
  /** Whether the page itself says which part of it is the content. */
  is_marked: boolean;
}

/** The tree is not changed. */
export function selectContent(root: PageElement): Content {
  const body = findElement(root, ({ name }) => name === "body") ?? root;
  const rules: Rules = { all: measure(body), in_main: false, dropFarms: false };
  const whole = prune(body, rules);
  const main = findMain(whole);
  // A page of nothing but what looks like its site's frame is read with it.
  const kept = main ?? (measure(whole).text > 0 ? whole : body);
  const without = prune(kept, { all: measure(kept), in_main: main !== null, dropFarms: true });
  // On a page of links, such as a portal or a search, they are the content.
  const isLinks = measure(without).text < measure(kept).text * FARMS_LEAVE;
  return { nodes: (isLinks ? kept : without).children, is_marked: main !== null };
}

/** If less than this is left without lists of links, they are the content. */
const FARMS_LEAVE = 0.5;
/** A main part with less than this of the page's prose was marked by mistake. */
const MAIN_SHARE = 0.4;

const mainId = /^(?:main|content|main-?content|page-?content|article|bodyContent)$/i;

function findMain(body: PageElement): PageElement | null {
  const candidates = [
    findElement(body, ({ name, attributes }) => name === "main" || attributes.role === "main"),
    findElement(body, ({ attributes: { id = "" } }) => mainId.test(id)),
  ];
  const enough = proseOf(measure(body)) * MAIN_SHARE;
  return candidates.find((found) => found !== null && proseOf(measure(found)) >= enough) ?? null;
}

interface Rules {
  all: Measure;
  in_main: boolean;
  dropFarms: boolean;
}

function prune(element: PageElement, rules: Rules): PageElement {
  const children = element.children.flatMap((child): PageNode[] => {
    if (typeof child === "string" || !child.block) return [child];
    if (isChrome(child, rules) || (rules.dropFarms && isFarm(child, rules))) return [];
    const in_main =
      rules.in_main || child.name === "article" || child.name === "main" || child.attributes.role === "main";
    return [prune(child, { ...rules, in_main })];
  });
  // Most elements lose nothing, and a copy of a large page would take its memory again.
  const isSame =
    children.length === element.children.length && children.every((child, at) => child === element.children[at]);
  return isSame ? element : { ...element, children };
}

const chromeRoles = new Set([
  "navigation",
  "banner",
  "contentinfo",
  "search",
  "complementary",
  "menu",
  "menubar",
  "dialog",
  "alertdialog",
  "toolbar",
]);
/** Inside of content these are parts of it: the head of an article, a remark at its side. */
const outerNames = new Set(["header", "footer", "aside"]);

/** Words of classes and ids, whatever their element says. */
const alwaysChrome =
  /^(?:cookies?|consent|gdpr|newsletter|subscribe|subscription|share|sharing|social|advert\w*|ads?|adsbygoogle|sponsored|popup|modal|overlay|lightbox|paywall-offer|app-download|backtop|copyright|beian)$/i;
/** These are, if they hold mostly links. */
const linkedChrome =
  /^(?:nav|navbar|navigation|menu|submenu|breadcrumbs?|crumbs?|sidebar|side|aside|related|recommend\w*|toc|pagination|pager|tags?|footer|foot|header|masthead|topbar|toolbar|links?|hot|rank\w*|friendlinks?)$/i;
/** A part this large is the page, whatever it is called, unless the page is short. */
const MAX_CHROME_SHARE = 0.4;
const SHORT_PART = 400;
const LINKED_SHARE = 0.5;

function isChrome(element: PageElement, { all, in_main }: Rules): boolean {
  const { name, attributes } = element;
  if (name === "nav" || chromeRoles.has(attributes.role ?? "")) return true;
  if (outerNames.has(name) && !in_main) return true;
  if (name === "article" || name === "main" || /^h[1-6]$/.test(name)) return false;
  // A section about sharing may have the id `share`, so in the content ids say nothing, and classes little.
  const names = in_main ? (attributes.class ?? "") : `${attributes.class ?? ""} ${attributes.id ?? ""}`;
  const words = names.split(/\s+/).flatMap(wordsOf);
  const own = measure(element);
  const isLarge = own.text > all.text * MAX_CHROME_SHARE;
  if (words.some((word) => alwaysChrome.test(word))) return own.text < SHORT_PART || (!in_main && !isLarge);
  return !isLarge && own.linked > own.text * LINKED_SHARE && words.some((word) => linkedChrome.test(word));
}

/** Names of more words are made from headings. */
const MAX_WORDS = 3;

function wordsOf(name: string): string[] {
  const words = name.split(/[_-]+|(?<=[a-z])(?=[A-Z])/);
  return words.length > MAX_WORDS ? [] : words;
}

const farmNames = new Set(["ul", "ol", "div", "td", "table", "tr", "p", "section", "dl", "center"]);
/** Titles of articles and products are longer. Characters without spaces. */
const SHORT_LINK = 20;
const FARM_LINKS = 4;
const FARM_SHARE = 0.8;

function isFarm(element: PageElement, { all }: Rules): boolean {
  if (!farmNames.has(element.name)) return false;
  const { text, linked, links } = measure(element);
  return (
    links >= FARM_LINKS &&
    linked >= text * FARM_SHARE &&
    linked / links < SHORT_LINK &&
    text < all.text * MAX_CHROME_SHARE
  );
}
