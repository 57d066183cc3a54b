// Fifty kinds of pages: what their Markdown must and must not have, and what it costs beside their HTML. The counts are
// recorded in tokens.json (`RECORD=1` writes it), so that a change that makes pages longer shows.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { estimateText } from "../../src/agent/context/tokens.ts";
import { decode } from "../../src/tools/web/pages/charset.ts";
import { readHtml } from "../../src/tools/web/pages/html/page.ts";
import { encode } from "./build/encode.ts";
import { samplePages } from "./build/index.ts";
import { type SamplePage, wordsOf } from "./build/site.ts";

const path = join(import.meta.dirname, "tokens.json");
type Counts = Record<string, { html: number; markdown: number }>;
const recorded = (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {}) as Counts;
const counted: Counts = {};

function read({ html, url, charset }: SamplePage) {
  const bytes = charset === undefined ? new TextEncoder().encode(html) : encode(html, charset);
  return readHtml(decode(bytes, null, true).text, url);
}

describe("the Markdown of", () => {
  it.each(samplePages.map((page) => [page.name, page] as const))(
    "%s has its content and nothing else",
    (name, page) => {
      const { title, date, text, notes } = read(page);
      counted[name] = { html: estimateText(page.html), markdown: estimateText(text) };
      for (const passage of page.has) expect(text).toContain(passage);
      const around = wordsOf(/<html lang="([\w-]+)"/.exec(page.html)?.[1]);
      for (const passage of [
        ...(page.not ?? []),
        around.consent,
        around.newsletter,
        around.share,
        around.footer,
        around.ad,
      ]) {
        expect(text).not.toContain(passage);
      }
      expect(text).not.toMatch(/<\/?(?:div|span|p|a|li|td|script|style)\b|__STATE__|tracker\.example/i);
      if (page.title !== undefined) expect(title).toBe(page.title);
      if (page.date !== undefined) expect(date).toBe(page.date);
      expect(notes.join(" ")).toContain(page.note ?? "");
      if (page.note === undefined) expect(notes).toEqual([]);
    },
  );
});

describe("the tokens of the pages", () => {
  afterAll(() => {
    if (process.env.RECORD === "1") writeFileSync(path, `${JSON.stringify(counted, null, 2)}\n`);
  });

  it("are those that were recorded", () => {
    expect(samplePages.length).toBeGreaterThanOrEqual(50);
    if (process.env.RECORD !== "1") expect(counted).toEqual(recorded);
  });

  it("are a tenth of the HTML's or less, at the median", () => {
    const shares = Object.values(counted).map(({ html, markdown }) => markdown / html);
    const median = shares.toSorted((one, other) => one - other)[Math.floor(shares.length / 2)];
    expect(median).toBeLessThanOrEqual(0.1);
  });
});
