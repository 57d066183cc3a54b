import { describe, expect, it } from "vitest";
import { dateOf, readDate, titleOf } from "./head.ts";
import { readTree } from "./tree.ts";

const headOf = (html: string) => readTree(html, { url: "https://site.example/a/b", noscript: false }).head;

describe("a page's title", () => {
  it("is the one for sharing, else that of the window, on one line", () => {
    expect(titleOf(headOf("<title>News | Site</title><meta property='og:title' content='News &amp; more'>"))).toBe(
      "News & more",
    );
    expect(titleOf(headOf("<title>\n A \n\t B </title><svg><title>icon</title></svg>"))).toBe("A B");
    expect(titleOf(headOf("<p>nothing</p>"))).toBeNull();
    expect(titleOf(headOf(`<title>${"x".repeat(5000)}</title>`))?.length).toBe(300);
  });
});

describe("a page's date", () => {
  it.each([
    ['<meta property="article:published_time" content="2026-03-01T08:30:00.123Z">', "2026-03-01T08:30:00Z"],
    ['<meta name="pubdate" content="20260301"><meta name="date" content="2026/3/1">', "2026-03-01"],
    ['<script type="application/ld+json">{"datePublished": "2026-03-01 08:30"}</script>', "2026-03-01T08:30"],
    ['<meta name="publishdate" content="2026年3月1日">', "2026-03-01"],
    ['<time datetime="2026-03-01">yesterday</time>', "2026-03-01"],
    ['<time datetime="2026-03-01">1</time><time datetime="2025-01-01">2</time>', null],
    ['<meta property="article:modified_time" content="2026-03-01">', null],
  ])("is found: %s", (html, date) => {
    expect(dateOf(headOf(html))).toBe(date);
  });

  it.each([
    ["March 5, 2026", "2026-03-05"],
    ["Thu, 05 Mar 2026 10:00:00 GMT", "2026-03-05"],
    ["2026-13-45", null],
    ["0001-01-01", null],
    ["9999-01-01", null],
    ["soon", null],
    ["", null],
  ])("%s is read as %s", (text, date) => {
    expect(readDate(text)).toBe(date);
  });
});

describe("what else a page says of itself", () => {
  it("is where it forwards to and which frames it has", () => {
    expect(headOf('<meta http-equiv="Refresh" content="0; URL=\'../new\'">').refresh).toBe("https://site.example/new");
    expect(headOf('<meta http-equiv="refresh" content="30">').refresh).toBeNull();
    expect(headOf('<meta http-equiv="refresh" content="0;url=javascript:x()">').refresh).toBeNull();
    const { frames } = headOf('<frameset><frame name="menu" src="m.html"><frame src="c.html"></frameset>');
    expect(frames).toEqual([
      { name: "menu", url: "https://site.example/a/m.html" },
      { name: "", url: "https://site.example/a/c.html" },
    ]);
  });
});
