// Tables: those with data become tables of Markdown, those that only arrange a page are read cell by cell.
import type { InlineWriter } from "./inline.ts";
import type { PageElement, PageNode } from "./tree.ts";

/** Cells that span more are a mistake, or an attack. */
const MAX_SPAN = 50;
const MAX_COLUMNS = 100;
/** A cell with more text than this on average holds a part of a page. */
const LONG_CELL = 400;
const BAR = " | ";

export function isDataTable(table: PageElement): boolean {
  const { role } = table.attributes;
  if (role === "presentation" || role === "none") return false;
  const rows = rowsOf(table);
  const cells = rows.flat();
  if (cells.some((cell) => holds(cell, "table"))) return false;
  const columns = Math.max(0, ...rows.slice(0, 200).map((row) => row.length));
  if (columns < 2) return false;
  if (cells.some(({ name }) => name === "th")) return true;
  if (rows.length < 2) return false;
  const structured = cells.filter((cell) => holdsPage(cell)).length;
  if (structured > cells.length / 4) return false;
  return cells.reduce((sum, cell) => sum + lengthOf(cell), 0) / cells.length < LONG_CELL;
}

const pageNames = new Set(["h1", "h2", "h3", "form", "article", "section", "hr", "nav", "pre"]);

function holdsPage(element: PageElement): boolean {
  return element.children.some((child) => typeof child !== "string" && (pageNames.has(child.name) || holdsPage(child)));
}

function holds(element: PageElement, name: string): boolean {
  return (
    element.block &&
    element.children.some((child) => typeof child !== "string" && (child.name === name || holds(child, name)))
  );
}

function lengthOf(element: PageElement): number {
  return element.children.reduce(
    (sum, child) => sum + (typeof child === "string" ? child.trim().length : lengthOf(child)),
    0,
  );
}

/** What a table that only arranges things holds, one list for each cell, caption first. */
export function layoutCells(table: PageElement): PageNode[][] {
  const caption = captionOf(table);
  const cells = rowsOf(table).flatMap((row) => row.map((cell) => cell.children));
  return caption === undefined ? cells : [caption.children, ...cells];
}

export function writeTable(table: PageElement, inline: InlineWriter): string {
  const rows = rowsOf(table);
  const grid = spread(rows, inline);
  const columns = Math.min(
    MAX_COLUMNS,
    grid.reduce((most, row) => Math.max(most, row.length), 0),
  );
  const filled = grid.filter((row) => row.some((cell) => cell !== ""));
  const [head, ...body] = filled;
  if (head === undefined) return "";
  const caption = captionOf(table);
  const title = caption === undefined ? "" : inline.writeLine(caption.children);
  const padded = Array.from({ length: columns }, (_, at) => head[at] ?? "");
  // Only the head needs all columns: to fill short rows up would write a hundred cells for each.
  const line = (row: string[]) => `| ${row.slice(0, columns).join(BAR)} |`;
  const lines = [line(padded), `|${" --- |".repeat(columns)}`, ...body.map(line)];
  return [...(title === "" ? [] : [`**${title}**`, ""]), ...lines].join("\n");
}

function captionOf(table: PageElement): PageElement | undefined {
  return elementsOf(table).find(({ name }) => name === "caption");
}

/** The cells of each row of the table itself. */
function rowsOf(table: PageElement): PageElement[][] {
  return elementsOf(table).flatMap((child) => {
    if (child.name === "tr") return [cellsOf(child)];
    if (!["thead", "tbody", "tfoot"].includes(child.name)) return [];
    return elementsOf(child)
      .filter(({ name }) => name === "tr")
      .map(cellsOf);
  });
}

function cellsOf(row: PageElement): PageElement[] {
  return elementsOf(row).filter(({ name }) => name === "td" || name === "th");
}

function elementsOf({ children }: PageElement): PageElement[] {
  return children.filter((child): child is PageElement => typeof child !== "string");
}

/** A cell over several rows is repeated in each, so that every row says all; over several columns it leaves them empty. */
function spread(rows: PageElement[][], inline: InlineWriter): string[][] {
  const below = new Map<number, { text: string; rows: number }>();
  return rows.map((cells) => {
    const line: string[] = [];
    if (inline.isSpent()) return line;
    const fillFromAbove = (): void => {
      for (let above = below.get(line.length); above !== undefined; above = below.get(line.length)) {
        if (above.rows <= 1) below.delete(line.length);
        else above.rows -= 1;
        line.push(inline.spend(above.text));
      }
    };
    for (const cell of cells) {
      if (inline.isSpent() || line.length >= MAX_COLUMNS) break;
      fillFromAbove();
      const text = writeCell(cell, inline);
      const rowspan = readSpan(cell.attributes.rowspan);
      if (rowspan > 1) below.set(line.length, { text, rows: rowspan - 1 });
      line.push(text, ...new Array<string>(readSpan(cell.attributes.colspan) - 1).fill(""));
    }
    fillFromAbove();
    // A row costs its bars too, or empty cells would be free.
    inline.spend(BAR.repeat(line.length));
    return line;
  });
}

function readSpan(value: string | undefined): number {
  const span = Number.parseInt(value ?? "1", 10);
  return Number.isNaN(span) ? 1 : Math.min(MAX_SPAN, Math.max(1, span));
}

function writeCell(cell: PageElement, inline: InlineWriter): string {
  return inline.write(cell.children).replaceAll("|", "\\|").replace(/\n+/g, "<br>");
}
