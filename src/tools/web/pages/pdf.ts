// The text of a PDF, by pdf.js in the form that unpdf builds for runtimes without a browser.
import { getDocumentProxy } from "unpdf";
import type { Reading } from "./read.ts";

/** A report has fewer. The text of more would be a book, which is better searched in the sandbox. */
const MAX_PAGES = 150;
const MAX_CHARACTERS = 1_000_000;

const IN_SANDBOX =
  "Download it in the sandbox with curl -L and read it there, for example with pdftotext or a library.";

export async function readPdf(bytes: Uint8Array): Promise<Reading> {
  try {
    return await read(bytes);
  } catch {
    return {
      ok: false,
      message: `At this address is a PDF that can't be read here: it is damaged or locked. ${IN_SANDBOX}`,
    };
  }
}

async function read(bytes: Uint8Array): Promise<Reading> {
  const document = await getDocumentProxy(bytes, { isEvalSupported: false, verbosity: 0 });
  try {
    const pages: string[] = [];
    let characters = 0;
    const count = Math.min(MAX_PAGES, document.numPages);
    for (let number = 1; number <= count && characters < MAX_CHARACTERS; number++) {
      const page = await document.getPage(number);
      const { items } = await page.getTextContent();
      const text = joinItems(items);
      page.cleanup();
      if (text !== "") pages.push(`## Page ${number}\n\n${text}`);
      characters += text.length;
    }
    if (pages.length === 0) {
      return { ok: false, message: `At this address is a PDF without text, probably scanned images. ${IN_SANDBOX}` };
    }
    const { info } = await document.getMetadata();
    const cut = count < document.numPages || characters >= MAX_CHARACTERS;
    return {
      ok: true,
      page: {
        title: textOf(info, "Title"),
        date: readPdfDate(textOf(info, "CreationDate")),
        text: pages.join("\n\n"),
        notes: cut
          ? [`Only the first ${pages.length} of ${document.numPages} pages are here. For the others: ${IN_SANDBOX}`]
          : [],
      },
    };
  } finally {
    await document.cleanup();
  }
}

/** Where a line ends is known; where a paragraph does is not. */
function joinItems(items: readonly object[]): string {
  return items
    .map((item) => ("str" in item ? `${item.str}${"hasEOL" in item && item.hasEOL ? "\n" : ""}` : ""))
    .join("")
    .replace(/[ \t]+/g, " ")
    .replace(/-\n(?=[a-z])/g, "")
    .trim();
}

function textOf(info: object, name: string): string | null {
  const value = Object.entries(info).find(([key]) => key === name)?.[1];
  return typeof value === "string" && value.trim() !== "" ? value.trim() : null;
}

/** `D:20260301093000+01'00'` */
function readPdfDate(text: string | null): string | null {
  const [, year, month, day] = /^(?:D:)?(\d{4})(\d{2})(\d{2})/.exec(text ?? "") ?? [];
  return year === undefined ? null : `${year}-${month}-${day}`;
}
