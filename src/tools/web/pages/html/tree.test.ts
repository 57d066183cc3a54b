import { describe, expect, it } from "vitest";
import { type PageElement, readTree, textOf } from "./tree.ts";

const read = (html: string, noscript = false) => readTree(html, { url: "https://site.example/a", noscript });
const seen = (html: string) => textOf(read(html).root).replace(/\s+/g, " ").trim();

describe("what a person does not see", () => {
  it.each([
    "<script>x</script>",
    "<style>x</style>",
    "<template><p>x</p></template>",
    "<noscript>x</noscript>",
    "<svg><title>x</title><text>x</text></svg>",
    "<select><option>x</option></select>",
    "<button>x</button>",
    "<dialog>x</dialog>",
    "<p hidden>x</p>",
    "<p aria-hidden='true'><b>x</b></p>",
    "<p style='display : none'>x</p>",
    "<p style='color:red;visibility:hidden'>x</p>",
    "<p style='opacity:0'>x</p>",
    "<p style='font-size:0px'>x</p>",
    "<p style='font-size: .0em !important; opacity: 0.00'>x</p>",
    "<p class='a\n d-none'>x</p>",
    "<p style='position:absolute;left:-9999px'>x</p>",
    "<p style='text-indent:-1000em'>x</p>",
    "<p style='position:absolute;clip:rect(0 0 0 0)'>x</p>",
    "<span class='a sr-only'>x</span>",
    "<div class='d-none'>x</div>",
    "<!-- x -->",
    "<![CDATA[ x ]]>",
    "<p title='x' data-x='x'></p>",
  ])("is left out: %s", (html) => {
    expect(seen(`a ${html} b`)).toBe("a b");
  });

  it.each([
    "<p hidden='until-found'>x</p>",
    "<p style='display:block;opacity:0.5;font-size:0.9em;left:-10px'>x</p>",
    "<p class='hidden md:block'>x</p>",
    "<p class='hidden-gems'>x</p>",
    "<h3><button aria-expanded='false'>x</button></h3>",
    "<p aria-hidden='false'>x</p>",
  ])("is not this: %s", (html) => {
    expect(seen(`a ${html} b`)).toBe("a x b");
  });

  it("ends where its element ends, whatever is wrong inside of it", () => {
    expect(seen("<div hidden><p>x<div>y</span></div></div>z")).toBe("z");
    expect(seen("<p hidden>x<p>y")).toBe("y");
    expect(seen("a<script>if (a < b) { '</div>' }</script>b")).toBe("ab");
  });

  it("includes what is for browsers without scripts, unless it is asked for", () => {
    const html = "<noscript><p>x</p></noscript>";
    expect(textOf(read(html, true).root)).toBe("x");
  });
});

describe("the tree's bounds", () => {
  const depthOf = (element: PageElement): number =>
    1 + Math.max(0, ...element.children.map((child) => (typeof child === "string" ? 0 : depthOf(child))));

  it("hold for elements that nest, with their text", () => {
    const tree = read(`${"<div>".repeat(600)}deep${"</div>".repeat(600)}after`);
    expect(tree.cut).toBe(false);
    expect(depthOf(tree.root)).toBeLessThanOrEqual(201);
    expect(textOf(tree.root)).toBe("deepafter");
  });

  it("end the reading of a page that opens without end", () => {
    expect(read(`start${"<b>".repeat(100_000)}end`).cut).toBe(true);
    expect(read(`start${"<b></b>".repeat(200_000)}end`).cut).toBe(true);
  });

  it("hold for attributes", () => {
    const { root } = read(`<p class="${"x".repeat(1_000_000)}">a <a href="/${"y".repeat(5000)}">b</a></p>`);
    expect(JSON.stringify(root).length).toBeLessThan(2000);
  });
});
