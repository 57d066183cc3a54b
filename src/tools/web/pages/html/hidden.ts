// What a person does not see, or can't read, is left out of the tree: scripts, controls, and elements that are hidden
// where it is cheap to know. Hidden text is where pages put words for machines only. Style sheets are not read, so what
// only a class hides is kept, unless the class is one of the well-known names.

const droppedNames = new Set(
  "script style svg template iframe object embed applet canvas audio video select textarea datalist map meter progress noframes frame source track portal".split(
    " ",
  ),
);

/** Names under which frameworks hide an element on every screen. `hidden` alone: `hidden md:block` is seen. */
const hiddenClass =
  /(?:^|\s)(?:sr-only|visually-?hidden|screen-reader(?:-text|-only|s)?|skip-(?:link|to-content)|a11y-hidden|mw-editsection|mw-jump-link|navbox|noprint|toc|table-of-contents|linenos?|line-?numbers?-rows|gutter|blob-num)(?:\s|$)/i;
const hiddenAlone = /(?:^|\s)(?:hidden|d-none|is-hidden)(?:\s|$)/i;
const shownSomewhere = /(?:sm|md|lg|xl|print)(?::|-)(?:block|flex|inline|grid|table|contents)/i;

// Zeros have one way to be read, or a page of long styles would take a minute.
const hiddenStyle =
  /display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?:^|[;\s])opacity\s*:\s*(?:0+(?:\.0*)?|\.0+)\s*(?:[;!%]|$)|font-size\s*:\s*(?:0+(?:\.0*)?|\.0+)[a-z%]*\s*(?:[;!]|$)|(?:left|right|top|bottom|text-indent|margin-left)\s*:\s*-\d{3,}|clip\s*:\s*rect\(\s*[01]|clip-path\s*:\s*inset\(\s*(?:50|100)%/i;

/** Styles are read up to this: a longer one is data. */
const MAX_STYLE = 2000;

export function isDropped(name: string, attributes: Record<string, string>, noscript: boolean): boolean {
  if (droppedNames.has(name)) return true;
  if (name === "noscript") return !noscript;
  if (name === "dialog") return attributes.open === undefined;
  // A button that opens something is the heading of what it opens.
  if (name === "button") return attributes["aria-expanded"] === undefined && attributes["aria-controls"] === undefined;
  // The marks of a list of tasks.
  if (name === "input") return attributes.type?.toLowerCase() !== "checkbox" || attributes.disabled === undefined;
  if (name === "body" || name === "html") return false;
  return isHidden(attributes);
}

function isHidden({ hidden, style = "", class: classes = "", "aria-hidden": aria }: Record<string, string>): boolean {
  // Content that a search within the page would show.
  if (hidden !== undefined && hidden.toLowerCase() !== "until-found") return true;
  if (aria?.toLowerCase() === "true") return true;
  if (style !== "" && hiddenStyle.test(style.slice(0, MAX_STYLE))) return true;
  if (classes === "") return false;
  const names = classes.slice(0, MAX_STYLE);
  return hiddenClass.test(names) || (hiddenAlone.test(names) && !shownSomewhere.test(names));
}
