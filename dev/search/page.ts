// The search as a page for people, to see what an agent finds.
import type { CorpusPage } from "./corpus.ts";
import type { Hit } from "./find.ts";

export function showResults(query: string, hits: Hit[], pages: CorpusPage[]): string {
  const list =
    query === ""
      ? pages.map((page) => showPage(page, page.description))
      : hits.map(({ page, passage }) => showPage(page, passage));
  const heading = query === "" ? "All sample pages" : `${hits.length} of ${pages.length} sample pages`;
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>A stand-in search</title>
    <style>body { font: 16px/1.6 system-ui, sans-serif; max-width: 46rem; margin: auto; padding: 1rem } input { font: inherit; width: 20rem }</style>
  </head>
  <body>
    <h1>A stand-in search</h1>
    <p>It searches sample pages on this machine, whose organisations and figures are invented. It is not the web.</p>
    <form action="/search"><input name="q" aria-label="Query" value="${escapeHtml(query)}"> <button>Search</button></form>
    <h2>${heading}</h2>
    <ul>
${list.join("\n")}
    </ul>
  </body>
</html>
`;
}

function showPage({ name, language, title }: CorpusPage, text: string): string {
  return `      <li lang="${escapeHtml(language)}"><a href="/${escapeHtml(name)}">${escapeHtml(title)}</a><br>${escapeHtml(text)}</li>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
