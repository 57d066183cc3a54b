// A reply cut into Slack's messages. Slack takes 12,000 characters of Markdown a message, and is seen to refuse a streamed one
// from some 10,000 bytes on; a page ends earlier, so that the plan and what a run ends with have room beside it.
//
// A page's end depends only on what stands before it: while a text grows, what was sent of a page stays its beginning, and
// can be added to.
import { cutEnd } from "../../lib/truncate.ts";

/** A page ends with the first line that ends after this many bytes of UTF-8, */
const PAGE = 6_500;
/** or in mid-line after these. */
const LONGEST_PAGE = 7_500;

const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;

/** At least one page. A block of code that a page's end cuts is closed there and opened again on the next page. */
export function toPages(text: string): string[] {
  const pages: string[] = [];
  let rest = text;
  let opening = "";
  for (;;) {
    const end = endOfPage(rest);
    if (end === null) {
      pages.push(opening + rest);
      return pages;
    }
    const page = opening + rest.slice(0, end);
    const fence = openFence(page);
    pages.push(fence === null ? page : `${page}${page.endsWith("\n") ? "" : "\n"}${fence.mark}`);
    opening = fence === null ? "" : `${fence.mark}${fence.info}\n`;
    rest = rest.slice(end);
  }
}

/** Null while all of it is one page. */
function endOfPage(text: string): number | null {
  const least = unitsWithin(text, PAGE);
  if (text.length <= least) return null;
  const most = unitsWithin(text, LONGEST_PAGE);
  const line = text.indexOf("\n", least);
  // A page that ends with the text's last line is told from the next one when that comes.
  if (line >= 0 && line < most) return line + 1 < text.length ? line + 1 : null;
  return text.length <= most ? null : cutEnd(text, most).length;
}

/** How many UTF-16 units from the start take up to so many bytes of UTF-8. */
function unitsWithin(text: string, bytes: number): number {
  let size = 0;
  for (let place = 0; place < text.length; place++) {
    const unit = text.charCodeAt(place);
    // Each half of a pair is two bytes of its four.
    size += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3;
    if (size > bytes) return place;
  }
  return text.length;
}

/** The fence that is open where the text ends. */
function openFence(text: string): { mark: string; info: string } | null {
  let open: { mark: string; info: string } | null = null;
  for (const line of text.split("\n")) {
    const [, mark, info = ""] = FENCE.exec(line) ?? [];
    if (mark === undefined) continue;
    if (open === null) open = { mark, info: info.slice(0, 40) };
    else if (mark.startsWith(open.mark) && info.trim() === "") open = null;
  }
  return open;
}

/**
 * Text that a model wrote, for Slack's Markdown: `<!channel>`, `<@U1>` and `<#C1>` call or link nobody. An invisible
 * character parts them, and they look as they were.
 */
export function withoutMentions(text: string): string {
  return text.replace(/<(?=[!@#])/g, "<\u200b");
}

/** Cut to what Slack takes, in whole characters. */
export function shorten(text: string, units: number): string {
  return text.length <= units
    ? text
    : `${text
        .slice(0, units - 1)
        .toWellFormed()
        .replace(/\ufffd$/, "")}…`;
}
