import { renderToStaticMarkup } from "react-dom/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Markdown, readLink } from "./markdown.tsx";

function draw(text: string, open = false): string {
  return renderToStaticMarkup(<Markdown text={text} open={open} />).replaceAll(/ class="[^"]*"/g, "");
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("a model's text", () => {
  it("is drawn from Markdown", () => {
    expect(draw("# Tea\n\n- **one**\n- `two`\n\n1 < 2 &amp; 3")).toBe(
      "<div><h3>Tea</h3><ul><li><strong>one</strong></li><li><code>two</code></li></ul><p>1 &lt; 2 &amp; 3</p></div>",
    );
    expect(draw("| a | b |\n|---|--:|\n| 1 | 2 |")).toContain("<td>1</td><td>2</td>");
  });

  it.each([
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "a <b>bold</b> <iframe src=//evil.example></iframe>",
    "<!-- x --><style>*{display:none}</style>",
  ])("shows markup as text: %s", (text) => {
    expect(draw(text)).not.toMatch(/<(script|img|iframe|style|b)\b/);
    expect(draw(text)).toContain("&lt;");
  });

  it.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>",
    "vbscript:x",
    "file:///etc/passwd",
    "/v1/threads",
  ])("links nowhere but to the web: %s", (address) => {
    expect(readLink(address)).toBeNull();
    expect(draw(`[click](${address})`)).not.toContain("<a");
  });

  it("has links without a referrer, and loads no image", () => {
    expect(draw("[tea](https://tea.example/a) ![cup](https://tea.example/c.png)")).toBe(
      '<div><p><a href="https://tea.example/a" target="_blank" rel="noopener noreferrer">tea</a> <a href="https://tea.example/c.png" target="_blank" rel="noopener noreferrer">cup</a></p></div>',
    );
  });

  it.each([
    "[click](http://localhost:8787/#key=k)",
    "<http://localhost:8787/#key=k>",
    "http://localhost:8787/#key=k",
    "[click](http://127.0.0.1:8787/?a#x&%6bey=k)",
    "![click](http://user@LOCALHOST:8787/#key=k)",
    "[click](http:\\\\localhost:8787/#key=k)",
    "[click](#key=k)",
    "[click](/#key=k)",
  ])("has no link that would sign in with a key of its choice: %s", (text) => {
    vi.stubGlobal("location", new URL("http://localhost:8787/"));
    expect(draw(text)).not.toContain("<a");
    expect(draw(text)).toMatch(/click|http/);
    expect(draw("[click](http://localhost:8787/#thread=t)")).toContain("<a");
    expect(draw("[click](http://localhost:3000/#key=k)")).toContain("<a");
  });

  it("shows unfinished markup as it will look", () => {
    expect(draw("so **bol", true)).toBe('<div data-open="true"><p>so <strong>bol</strong></p></div>');
    expect(draw("so **bol")).toBe("<div><p>so **bol</p></div>");
  });

  it.each(["*", "_a", "[", "![", "`", "**a*", "> ", "- ", "<a ", "&#", "](", "~~", "|", "1. "])(
    "is read in time, however it was made to hold the reader up: %s",
    (piece) => {
      const began = performance.now();
      for (const length of [2_990, 9_990]) draw(piece.repeat(Math.floor(length / piece.length)), true);
      // A fraction of a second; unbounded parsing would take minutes.
      expect(performance.now() - began).toBeLessThan(20_000);
    },
  );

  it("is shown as it is where it is nested too deeply to follow", () => {
    expect(draw(`${"> ".repeat(4_000)}deep`)).toContain("deep");
  });
});
