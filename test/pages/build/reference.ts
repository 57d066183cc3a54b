// What developers and scholars read: documentation, references, changelogs, packages, papers.
import { list, paragraphs, type SamplePage, site, table } from "./site.ts";

const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const code = (language: string, text: string): string =>
  `<div class="highlight"><pre class="language-${language}"><code class="language-${language}">${escapeHtml(text)
    .split(/(\b(?:const|await|import|from|return|def|print)\b)/)
    .map((part, at) => (at % 2 === 1 ? `<span class="token keyword">${part}</span>` : part))
    .join("")}</code></pre><button class="copy">Copy</button></div>`;

const sidebar = `<aside class="theme-doc-sidebar"><nav class="menu"><ul>${Array.from({ length: 40 }, (_, n) => `<li class="menu__list-item"><a class="menu__link" href="/docs/topic-${n}">Topic ${n}</a></li>`).join("")}</ul></nav></aside>`;

export const referencePages: SamplePage[] = [
  {
    name: "docs-guide",
    url: "https://docs.tool.example/guide/install",
    html: site(
      { title: "Installation", site: "Tool docs", teasers: false, weight: 2 },
      `${sidebar}<main class="docMainContainer"><nav class="breadcrumbs"><a href="/">Docs</a> › <a href="/guide">Guide</a></nav><article><div class="theme-doc-markdown markdown"><header><h1>Installation</h1></header><p>Tool runs on Node.js 20 or later. Install it with a package manager:</p>${code("bash", "npm install tool\nnpx tool init --yes")}
<h2 class="anchor" id="configure">Configure<a href="#configure" class="hash-link" aria-label="Direct link">​#</a></h2><p>Create <code>tool.config.ts</code> in the root of the project:</p>${code("ts", 'import { defineConfig } from "tool";\n\nexport default defineConfig({\n  port: 4000,\n  cache: { ttl: 60 },\n});')}
<aside class="admonition tip"><p><strong>Tip</strong></p><p>A missing file means the defaults.</p></aside>${table(
        ["Option", "Type", "Default"],
        [
          ["port", "number", 3000],
          ["cache.ttl", "seconds", 30],
          ["strict", "boolean", "false"],
        ],
      )}<section id="share"><h2>Share a cache</h2><p>Two machines share a cache if both name the same folder.</p></section><p>Next: <a href="./first-steps">first steps</a>.</p></div></article><nav class="pagination-nav"><a href="/prev">Previous: Why</a><a href="/next">Next: First steps</a></nav></main>
<div class="table-of-contents"><ul><li><a href="#configure">Configure</a></li></ul></div>`,
    ),
    has: [
      "```bash\nnpm install tool\nnpx tool init --yes\n```",
      "```ts\nimport { defineConfig }",
      "A missing file means the defaults.",
      "Two machines share a cache",
      "| cache.ttl | seconds | 30 |",
      "[first steps](https://docs.tool.example/guide/first-steps)",
    ],
    not: ["Topic 12", "Previous: Why", "Copy"],
  },
  {
    name: "api-reference",
    url: "https://api.pay.example/reference/charges",
    html: site(
      { title: "Create a charge", site: "Pay API", teasers: false, weight: 2 },
      `${sidebar}<main><h1>Create a charge</h1><p><span class="method">POST</span> <code>/v1/charges</code></p><p>Takes money from a card. The call is idempotent for 24 hours if it has an <code>Idempotency-Key</code>.</p><h2>Parameters</h2>
<ul class="params"><li><h3 class="param"><code>amount</code> <span class="type">integer</span> <span class="required">required</span></h3><p>In the smallest unit: 1099 is 10.99 €.</p></li><li><h3 class="param"><code>currency</code> <span class="type">string</span> <span class="required">required</span></h3><p>Three letters, lower case.</p></li></ul>
<h2>Errors</h2>${table(
        ["Status", "Code", "What to do"],
        [
          [402, "card_declined", "Ask for another card"],
          [409, "key_reused", "Use a new key for other parameters"],
          [429, "rate_limited", "Wait for Retry-After"],
        ],
      )}<h2>Example</h2>${code("bash", "curl https://api.pay.example/v1/charges \\\n  -u sk_test: \\\n  -d amount=1099 -d currency=eur")}</main>`,
    ),
    has: [
      "`amount` integer required",
      "1099 is 10.99 €",
      "| 409 | key_reused | Use a new key for other parameters |",
      "-d amount=1099 -d currency=eur",
    ],
    not: ["Topic 12"],
  },
  {
    name: "api-class",
    url: "https://docs.lang.example/api/queue.html",
    html: site(
      { title: "Class Queue", site: "Lang", plain: true, teasers: false, weight: 1 },
      `<div class="body" role="main"><section id="queue"><h1>Class Queue<a class="headerlink" href="#queue">¶</a></h1><dl class="py class"><dt class="sig"><em class="property">class</em> <span class="sig-name">Queue</span>(<em>maxsize=0</em>)</dt><dd><p>A first in, first out queue. If <em>maxsize</em> is 0, its size is unbounded.</p><dl class="py method"><dt class="sig"><code>put(item, block=True, timeout=None)</code><a class="headerlink" href="#put">¶</a></dt><dd><p>Put <em>item</em> into the queue. Raises <code>Full</code> if no slot is free within <em>timeout</em> seconds.</p></dd><dt class="sig"><code>get(block=True)</code></dt><dd><p>Remove and return an item.</p></dd></dl></dd></dl><p class="versionadded">Added in version 3.2.</p></section></div>`,
    ),
    has: [
      "A first in, first out queue.",
      "`put(item, block=True, timeout=None)`",
      "Raises `Full` if no slot is free",
      "Added in version 3.2.",
    ],
    not: ["¶"],
  },
  {
    name: "wiki-article",
    url: "https://wiki.example/wiki/Lenne",
    html: site(
      { title: "Lenne (river)", site: "Wiki", plain: true, teasers: false, weight: 2 },
      `<div id="content" class="mw-body" role="main"><h1 id="firstHeading">Lenne (river)</h1><div id="siteSub">From Wiki, the encyclopedia</div><div id="mw-content-text"><div class="mw-parser-output">
<table class="infobox"><caption>Lenne</caption><tbody><tr><th>Length</th><td>129 km</td></tr><tr><th>Source</th><td>Kahler Asten</td></tr><tr><th>Basin</th><td>1,353 km<sup>2</sup></td></tr></tbody></table>
<p>The <b>Lenne</b> is a <a href="/wiki/River" title="River">river</a> in the hills of the <a href="/wiki/Sauerland">Sauerland</a>. It rises at 819 metres and joins the <a href="/wiki/Ruhr">Ruhr</a> near Hagen.<sup id="cite_ref-1" class="reference"><a href="#cite_note-1">[1]</a></sup></p>
<div id="toc" class="toc"><h2>Contents</h2><ul><li><a href="#History">1 History</a></li></ul></div><h2><span class="mw-headline" id="History">History</span><span class="mw-editsection">[<a href="/w/index.php?action=edit">edit</a>]</span></h2>
<p>Wire has been drawn in its valley since the 14th century, because its water was fast enough for mills. In 1890 there were 164 of them.<sup class="reference"><a href="#cite_note-2">[2]</a></sup></p><table class="wikitable sortable"><tbody><tr><th>Town</th><th>Mills 1890</th></tr><tr><td>Altena</td><td>71</td></tr><tr><td>Werdohl</td><td>38</td></tr></tbody></table>
<h2><span class="mw-headline">References</span></h2><ol class="references"><li id="cite_note-1"><span>Waters of the state, 2019, p. 44</span></li></ol></div></div><div class="navbox" role="navigation"><table><tr><td><a href="/wiki/A">Rivers of Europe</a></td></tr></table></div></div>`,
    ),
    has: [
      "**Lenne** is a [river](https://wiki.example/wiki/River)",
      "joins the [Ruhr](https://wiki.example/wiki/Ruhr) near Hagen.",
      "| Altena | 71 |",
      "## History",
      "| Length | 129 km |",
    ],
    not: ["[edit]", "Rivers of Europe", "[1]", "1 History"],
  },
  {
    name: "changelog",
    url: "https://tool.example/changelog",
    html: site(
      { title: "Changelog", site: "Tool", teasers: false, weight: 2 },
      `<main><h1>Changelog</h1>${[
        [
          "4.2.0",
          "2026-02-20",
          ["Adds <code>--watch</code>", "Fixes a crash with an empty file (<a href='/issues/812'>#812</a>)"],
        ],
        ["4.1.3", "2026-01-30", ["Fixes slow starts on Windows"]],
        [
          "4.0.0",
          "2025-12-01",
          ["<strong>Breaking:</strong> Node.js 18 is no longer supported", "Removes the option <code>legacy</code>"],
        ],
      ]
        .map(
          ([version, date, items]) =>
            `<section class="release"><h2 id="v${version}">${version} <time datetime="${date}">${date}</time></h2>${list(...(items as string[]))}</section>`,
        )
        .join("")}</main>`,
    ),
    has: [
      "## 4.2.0 2026-02-20",
      "- Fixes a crash with an empty file ([#812](https://tool.example/issues/812))",
      "- **Breaking:** Node.js 18 is no longer supported",
    ],
  },
  {
    name: "readme-on-host",
    url: "https://code.example/ada/ruler",
    html: site(
      { title: "ada/ruler: Measure text widths", site: "CodeHost", teasers: false, weight: 3 },
      `<main><div class="repository-content"><div class="file-navigation"><ul>${Array.from({ length: 12 }, (_, n) => `<li><a href="/ada/ruler/blob/main/file${n}.ts">file${n}.ts</a></li>`).join("")}</ul></div><div id="readme"><article class="markdown-body entry-content"><h1>ruler</h1><p>Measures how wide a text is, without a browser.</p><p><a href="https://ci.example"><img src="https://img.example/badge.svg" alt="build"></a></p><h2>Install</h2><div class="highlight highlight-source-shell"><pre>npm install ruler</pre></div><h2>Use</h2><div class="highlight highlight-source-js"><pre><span class="pl-k">import</span> { widthOf } <span class="pl-k">from</span> "ruler";
widthOf("Hello", { font: "Inter", size: 14 }); // 33.6</pre></div><h2>Limits</h2><ul class="contains-task-list"><li><input type="checkbox" disabled checked> Latin, Greek, Cyrillic</li><li><input type="checkbox" disabled> Arabic</li></ul><h2>Licence</h2><p>MIT</p></article></div></div></main>`,
    ),
    has: [
      "Measures how wide a text is",
      "npm install ruler",
      'import { widthOf } from "ruler";',
      "- [x] Latin, Greek, Cyrillic",
      "- [ ] Arabic",
    ],
  },
  {
    name: "package-registry",
    url: "https://registry.example/package/ruler",
    html: site(
      { title: "ruler", site: "Registry", teasers: false, weight: 2 },
      `<main><div class="package"><h1>ruler</h1><p><span>3.4.1</span> • <span>Public</span> • <span>Published 12 days ago</span></p><div id="readme"><p>Measures how wide a text is, without a browser. The tables of twelve fonts are included, others can be read from a file.</p><pre><code class="language-js">widthOf("Hello");</code></pre></div><div class="package-facts"><h3>Weekly downloads</h3><p>48,213</p><h3>Licence</h3><p>MIT</p><h3>Unpacked size</h3><p>212 kB</p></div></div></main>`,
    ),
    has: ["3.4.1", "48,213", '```js\nwidthOf("Hello");\n```'],
  },
  {
    name: "paper-abstract",
    url: "https://papers.example/abs/2603.01234",
    date: "2026-03-02",
    title: "Small Models Read Long Tables",
    html: site(
      {
        title: "Small Models Read Long Tables",
        site: "Papers",
        teasers: false,
        weight: 1,
        head: '<meta name="citation_title" content="Small Models Read Long Tables"><meta name="citation_date" content="2026/03/02"><meta name="citation_pdf_url" content="https://papers.example/pdf/2603.01234">',
      },
      `<main><div id="abs"><h1 class="title"><span class="descriptor">Title:</span> Small Models Read Long Tables</h1><div class="authors"><span class="descriptor">Authors:</span> <a href="/a/ito">Mei Ito</a>, <a href="/a/okafor">Chidi Okafor</a></div><div class="dateline">[Submitted on 2 Mar 2026]</div><blockquote class="abstract"><span class="descriptor">Abstract:</span> We show that models of three billion parameters answer questions about tables of ten thousand rows if the rows are sorted by the column that is asked about. On four benchmarks the error falls by 38 percent. The effect vanishes when headers are repeated.</blockquote><table class="metatable"><tr><td class="label">Comments:</td><td>14 pages, 6 figures</td></tr><tr><td class="label">Subjects:</td><td>Computation and Language</td></tr></table><div class="extra-services"><a href="/pdf/2603.01234">View PDF</a></div></div></main>`,
    ),
    has: ["the error falls by 38 percent", "[Mei Ito](https://papers.example/a/ito)", "14 pages, 6 figures"],
  },
  {
    name: "legal-text",
    url: "https://law.example/acts/noise-2019",
    html: site(
      { title: "Noise Act 2019", site: "Law", teasers: false, weight: 1 },
      `<main><h1>Noise Act 2019</h1><p class="enacting">The Parliament enacts as follows.</p><h2>Part 1 Duties</h2><section class="provision"><h3>Section 4. Night hours</h3><ol type="1"><li>Night hours are from 22:00 to 6:00.</li><li>In night hours a person must not cause noise above 45 dB(A) at the nearest window, unless<ol type="a"><li>it averts danger, or</li><li>the council has permitted it under section 9.</li></ol></li></ol></section><section class="provision"><h3>Section 5. Penalty</h3><p>Whoever breaks section 4(2) commits an offence and is liable to a fine of up to 2,000.</p></section></main>`,
    ),
    has: [
      "### Section 4. Night hours",
      "2. In night hours a person must not cause noise above 45 dB(A)",
      "   2. the council has permitted it under section 9.",
      "a fine of up to 2,000",
    ],
  },
  {
    name: "government-service",
    url: "https://gov.example/renew-passport",
    html: site(
      { title: "Renew a passport", site: "GOV", teasers: false, weight: 1 },
      `<main id="content" role="main"><h1 class="gem-c-title__text">Renew a passport</h1><p>It takes about <strong>3 weeks</strong>, and costs 88.50 online or 100 on paper.</p><div class="call-to-action" role="note"><p>Do not book travel until you have the passport.</p></div><h2>You need</h2>${list("a digital photo", "a card to pay with", "your old passport")}<h2>If it is urgent</h2><p>Book an <a href="/urgent-passport">appointment within a week</a>. It costs 193.50.</p>${paragraphs("You can also renew from abroad, which takes up to 11 weeks.")}</main>`,
    ),
    has: [
      "about **3 weeks**",
      "- a digital photo",
      "Do not book travel until",
      "[appointment within a week](https://gov.example/urgent-passport)",
    ],
  },
  {
    name: "faq",
    url: "https://bank.example/help/faq",
    html: site(
      { title: "Questions and answers", site: "Bank", weight: 2 },
      `<main><h1>Questions and answers</h1><div class="accordion"><h3><button aria-expanded="false" aria-controls="a1">How do I block my card?</button></h3><div id="a1" class="accordion-panel"><p>Call 116 116, at any hour. The call is free.</p></div><h3><button aria-expanded="false" aria-controls="a2">What does a transfer cost?</button></h3><div id="a2" class="accordion-panel"><p>Nothing in euros. Other currencies cost 0.8 percent, at least 5 €.</p></div></div><details><summary>May I overdraw my account?</summary><p>Up to 500 €, at 9.9 percent a year.</p></details></main>`,
    ),
    has: [
      "### How do I block my card?",
      "Call 116 116",
      "at least 5 €",
      "**May I overdraw my account?**",
      "Up to 500 €",
    ],
  },
];
