// Cuts a reply into Slack's messages. Slack accepts 12,000 characters of Markdown in a message, and has been observed
// to refuse a streamed one of about 10,000 bytes. A page ends earlier, so that the plan and the blocks of the run's end
// fit.
//
// A page's end depends only on the text before it. So while a text grows, the sent part of a page stays its beginning,
// and more can be appended.
import { cutEnd } from "../../lib/truncate.ts";

/** A page ends with the first line that ends after this many bytes of UTF-8. */
const PAGE_BYTES = 6_500;
/** A longer line is cut after this many bytes. */
const MAX_PAGE_BYTES = 7_500;

const FENCE = /^ {0,3}(`{3,}(?!`)|~{3,}(?!~))(.*)$/;

/** Returns at least one page. A code block that a page's end cuts is closed there and opened again on the next page. */
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

/** Returns null if the text fits on one page. */
function endOfPage(text: string): number | null {
  const least = unitsWithin(text, PAGE_BYTES);
  if (text.length <= least) return null;
  const most = unitsWithin(text, MAX_PAGE_BYTES);
  const line = text.indexOf("\n", least);
  // If the text ends with this line, the page ends only when more text comes.
  if (line >= 0 && line < most) return line + 1 < text.length ? line + 1 : null;
  return text.length <= most ? null : cutEnd(text, most).length;
}

/** Returns how many UTF-16 units from the start fit into this many bytes of UTF-8. */
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

/** Returns the code fence that is open at the end of the text. */
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
 * Makes a model's text safe for Slack's Markdown: `<!channel>`, `<@U1>` and `<#C1>` mention or link nothing. An
 * invisible character splits them, so they look the same.
 */
export function withoutMentions(text: string): string {
  return text.replace(/<(?=[!@#])/g, "<\u200b");
}

/** Cuts a text to a limit of UTF-16 units, between whole characters. */
export function shorten(text: string, units: number): string {
  return text.length <= units
    ? text
    : `${text
        .slice(0, units - 1)
        .toWellFormed()
        .replace(/\ufffd$/, "")}…`;
}
