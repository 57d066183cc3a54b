// Finds addresses in a terminal's text. A click opens one in a tab without access to this one; no other link does
// anything.
import type { ILink, ILinkProvider, Terminal } from "@xterm/xterm";
import { readLink } from "../conversation/link.ts";

const shape = /https?:\/\/[^\s"'<>`|\\^{}]{1,2000}/g;

export interface FoundLink {
  start: number;
  url: string;
}

export function findLinks(line: string): FoundLink[] {
  return [...line.matchAll(shape)].flatMap(({ 0: text, index }) => {
    const url = trimEnd(text);
    return readWebLink(url) === null ? [] : [{ start: index, url }];
  });
}

/** Only http and https: other schemes do more than open a page. */
export function readWebLink(text: string): string | null {
  const url = readLink(text);
  return url?.startsWith("http") ? url : null;
}

/** A sentence's punctuation, and the closing bracket of one that opened before the address. */
function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0) {
    const last = text[end - 1] ?? "";
    const opening = last === ")" ? "(" : last === "]" ? "[" : null;
    const kept = text.slice(0, end);
    const isStray = opening !== null && kept.split(last).length > kept.split(opening).length;
    if (!isStray && !".,;:!?".includes(last)) break;
    end -= 1;
  }
  return text.slice(0, end);
}

export function openLink(text: string): void {
  const url = readWebLink(text);
  if (url !== null) window.open(url, "_blank", "noopener,noreferrer");
}

/** `onHover` receives the link's target: the text that a program put over it may say something else. */
export function linkProvider(terminal: Terminal, onHover: (url: string | null) => void): ILinkProvider {
  return {
    provideLinks(y, answer) {
      const { text, from } = readLine(terminal, y);
      const links = findLinks(text).map(({ start, url }): ILink => {
        const end = start + url.length - 1;
        return {
          text: url,
          range: { start: placeOf(start, from, terminal.cols), end: placeOf(end, from, terminal.cols) },
          activate: (_event, address) => openLink(address),
          hover: (_event, address) => onHover(address),
          leave: () => onHover(null),
        };
      });
      answer(links.filter(({ range }) => range.start.y <= y && y <= range.end.y));
    },
  };
}

/** The whole line that row `y` belongs to, since long lines wrap. Empty cells count as spaces. */
function readLine(terminal: Terminal, y: number): { text: string; from: number } {
  const { active } = terminal.buffer;
  let from = y - 1;
  while (from > 0 && active.getLine(from)?.isWrapped) from -= 1;
  let text = "";
  for (let row = from; row === from || active.getLine(row)?.isWrapped; row += 1) {
    const line = active.getLine(row);
    for (let column = 0; column < terminal.cols; column += 1) {
      const cell = line?.getCell(column)?.getChars() ?? "";
      // One index in the text for each cell.
      text += cell.length === 1 ? cell : " ";
    }
  }
  return { text, from };
}

function placeOf(index: number, from: number, columns: number): { x: number; y: number } {
  return { x: (index % columns) + 1, y: from + Math.floor(index / columns) + 1 };
}
