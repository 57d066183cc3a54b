import { describe, expect, it } from "vitest";
import { toMarkdown } from "./markdown.ts";
import { readTree } from "./tree.ts";

function write(html: string, limit = 100_000): string {
  const { root } = readTree(html, { url: "https://site.example/docs/page.html", noscript: false });
  return toMarkdown(root.children, limit).text;
}

describe("the Markdown of a page", () => {
  it.each([
    ["headings by their level", "<h1>One</h1><h3>Three <b>bold</b></h3>", "# One\n\n### Three bold"],
    ["paragraphs, breaks and rules", "<p>a<br>b</p><hr><p>c</p>", "a\nb\n\n---\n\nc"],
    ["emphasis at its text", "x<b> bold </b>y<i>it</i> <s>old</s>", "x **bold** y*it* ~~old~~"],
    ["emphasis within the same once", "<b><strong>x</strong></b>", "**x**"],
    ["code with its signs", "<code>a</code> <code>`b`</code> <kbd>Esc</kbd>", "`a` `` `b` `` `Esc`"],
    ["nested lists", "<ul><li>a<ol start=3><li>b<li>c</ol><li>d</ul>", "- a\n  3. b\n  4. c\n- d"],
    ["lists within lists without an item", "<ul><li>a</li><ul><li>b</li></ul></ul>", "- a\n  - b"],
    ["tasks", "<ul><li><input type=checkbox checked disabled>done</ul>", "- [x] done"],
    [
      "terms with what they mean",
      "<dl><dt>CPU</dt><dd>4 cores</dd><dt>Disk<dd>10 GB</dl>",
      "- **CPU**: 4 cores\n- **Disk**: 10 GB",
    ],
    ["quotations", "<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b"],
    [
      "unknown elements, whatever their name",
      "a <constructor>b</constructor><constructor><p>c</constructor>",
      "a b\n\nc",
    ],
    ["what a summary opens", "<details><summary>Why?</summary><p>So.</p></details>", "**Why?**\n\nSo."],
    [
      "code with its language",
      '<pre><code class="hljs language-ts">const a = "<b>";\n  b</code></pre>',
      '```ts\nconst a = "";\n  b\n```',
    ],
    ["fences around fences", "<pre>```js\nx\n```</pre>", "````\n```js\nx\n```\n````"],
    ["code whose lines are elements", "<pre><span>a</span>\n<span>b</span></pre>", "```\na\nb\n```"],
    [
      "images by what they show",
      '<img src=x.png alt="A red  fox"><img src=y.png alt=""><img alt="IMG_1.jpg">',
      "[image: A red fox]",
    ],
    ["words of a heading in blocks", "<h2><div>A</div><div>B</div></h2>", "## A B"],
    ["text in order around blocks", "<div>a<p>b</p>c</div>", "a\n\nb\n\nc"],
    ["notes of the page without their numbers", "Fact<sup><a href='#n1'>[1]</a></sup>, x<sup>2</sup>", "Fact, x^2"],
    ["no numbers that lead to other pages either", "Fact<sup><a href='/notes'>[12]</a></sup>.", "Fact."],
    ["no links into the page itself", "<a href='/docs/page.html#part'>part</a>", "part"],
  ])("has %s", (_, html, markdown) => {
    expect(write(html)).toBe(markdown);
  });

  it("has absolute addresses, also of cards, and none that lead nowhere", () => {
    expect(write('<a href="../a?b=1#c">A</a> <a href="#x">here</a> <a href="javascript:x()">run</a>')).toBe(
      "[A](https://site.example/a?b=1#c) here run",
    );
    expect(write('<base href="https://other.example/x/"><a href="y_(z)">Y</a>')).toBe(
      "[Y](https://other.example/x/y_%28z%29)",
    );
    expect(write('<a href="/p"><h3>Title</h3><p>Text</p></a>')).toBe("### [Title](https://site.example/p)\n\nText");
    expect(write('<a href="/p">https://site.example/p</a> <a href="/q"><img alt=""></a>')).toBe(
      "<https://site.example/p>",
    );
  });

  describe("of a table", () => {
    it("has a line for each row, with the signs of the table escaped", () => {
      const html = "<table><caption>Prices</caption><thead><tr><th>Name<th>Price</thead><tr><td>A|B<td>1<br>2</table>";
      expect(write(html)).toBe("**Prices**\n\n| Name | Price |\n| --- | --- |\n| A\\|B | 1<br>2 |");
    });

    it("repeats a cell in the rows it spans, and leaves the columns it spans empty", () => {
      const html =
        "<table><tr><th>Day<th>Time<th>Room</tr><tr><td rowspan=2>Mon<td>9<td>A</tr><tr><td>10<td>B</tr><tr><td colspan=2>Tue<td>C</table>";
      expect(write(html).split("\n").slice(2)).toEqual(["| Mon | 9 | A |", "| Mon | 10 | B |", "| Tue |  | C |"]);
    });

    it("is read cell by cell if it only arranges the page", () => {
      expect(write("<table><tr><td><h2>Left</h2><p>a</td><td><table><tr><th>x<th>y</table></td></tr></table>")).toBe(
        "## Left\n\na\n\n| x | y |\n| --- | --- |",
      );
      expect(write("<table><tr><td>one column</td></tr><tr><td>only</td></tr></table>")).toBe("one column\n\nonly");
      expect(write("<table role=presentation><tr><td>a<td>b</tr><tr><td>c<td>d</tr></table>")).toBe("a\n\nb\n\nc\n\nd");
    });
  });

  it("ends at its budget and says so", () => {
    const html = `<p>${"word ".repeat(1000)}</p>`.repeat(20);
    const { root } = readTree(html, { url: "https://site.example/", noscript: false });
    const { text, cut } = toMarkdown(root.children, 7000);
    expect(cut).toBe(true);
    expect(text.length).toBeLessThan(7100);
  });
});
