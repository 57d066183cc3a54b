// The pages of the stand-in search, and what they say. The files are the pages as they are served; titles, dates and
// texts for the search are read from them, so a page is added by adding a file.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

export interface CorpusPage {
  /** `tea.html`, its path below the address of the search. */
  name: string;
  html: string;
  language: string;
  title: string;
  description: string;
  /** ISO 8601; null if it says none. */
  published: string | null;
  /** What a visitor can read, in one line. */
  text: string;
}

const folder = join(import.meta.dirname, "pages");

export async function loadCorpus(): Promise<CorpusPage[]> {
  const names = (await readdir(folder)).filter((name) => /^[a-z\d-]+\.html$/.test(name)).sort();
  return Promise.all(names.map(async (name) => readCorpusPage(name, await readFile(join(folder, name), "utf8"))));
}

export function readCorpusPage(name: string, html: string): CorpusPage {
  const find = (pattern: RegExp) => toText(pattern.exec(html)?.[1] ?? "");
  return {
    ...{ name, html },
    language: find(/<html[^>]* lang="([^"]*)"/) || "en",
    title: find(/<title>([^<]*)<\/title>/),
    description: find(/<meta name="description" content="([^"]*)"/),
    published: find(/<meta property="article:published_time" content="([^"]*)"/) || null,
    text: toText(visible(html)),
  };
}

/** Our own pages only: this is no parser of HTML. */
function visible(html: string): string {
  const [, main = html] = /<main>(.*)<\/main>/s.exec(html) ?? [];
  return (
    main
      .replace(/<!--.*?-->/gs, " ")
      // The title and the date are known by themselves.
      .replace(/<h1>.*?<\/h1>/s, " ")
      .replace(/<p>[^<]*<time\b.*?<\/p>/s, " ")
      .replace(/<(\w+)[^>]* style="display:none"[^>]*>.*?<\/\1>/gs, " ")
      .replace(/<\/?(?:a|b|strong|em|code|time)\b[^>]*>/g, "")
      .replace(/<[^>]*>/g, " ")
  );
}

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"' };

function toText(html: string): string {
  return html
    .replace(/&(amp|lt|gt|quot);/g, (_, name: string) => entities[name] ?? "")
    .replace(/\s+/g, " ")
    .trim();
}
