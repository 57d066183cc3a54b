// From bytes to text, by what they are. The reader of HTML is evaluated when the first such page comes: most lives of a
// Worker read none.
import { decode } from "./charset.ts";
import type { Reading } from "./page.ts";
import { type PdfReader, readPdf } from "./pdf.ts";
import { findWall } from "./refusal.ts";
import { type ContentType, describeFile, kindOfBody } from "./types.ts";

export async function readPage(
  url: string,
  { type, bytes }: { type: ContentType; bytes: Uint8Array },
  pdf: PdfReader,
): Promise<Reading> {
  if (bytes.byteLength === 0)
    return refuse("The site sent an empty page: check the address, or look for another source.");
  const kind = kindOfBody(type.kind, bytes);
  if (kind === "html") return readHtmlPage(url, type, bytes);
  if (kind === "pdf") return readPdf(url, bytes, pdf);
  if (kind !== "text") {
    return refuse(
      `At this address is ${describeFile(type.type, bytes.byteLength)} and no text. If you need what is in it, download it in the sandbox.`,
    );
  }
  const isMarkup = /xml|html|rss|atom/.test(type.type);
  const { text } = decode(bytes, type.charset, isMarkup);
  return { ok: true, page: { title: null, date: null, text: text.trim(), notes: [] } };
}

async function readHtmlPage(url: string, type: ContentType, bytes: Uint8Array): Promise<Reading> {
  const { readHtml } = await import("./html/page.ts");
  const page = readHtml(decode(bytes, type.charset, true).text, url);
  const wall = findWall(page.title, page.text);
  if (wall !== null) return refuse(wall);
  if (page.text !== "") return { ok: true, page };
  return refuse(
    page.notes.length > 0 ? page.notes.join(" ") : "The page has no text to read: look for another source.",
  );
}

function refuse(message: string): Reading {
  return { ok: false, message };
}
