// Wraps content in what real sites put around it, so that a page of a few words has the size and the noise of a real
// one: styles, scripts with data, icons, menus, teasers, consent, newsletters, advertisements, footers.

export interface SiteOptions {
  lang?: "en" | "zh" | "zh-TW" | "ja" | "de" | "ar";
  title: string;
  site?: string;
  /** More of `<head>`. */
  head?: string;
  /** How much of everything: 1 is a lean site, 4 a large newspaper. */
  weight?: number;
  /** Without the names that HTML5 gives: `div` with classes. */
  plain?: boolean;
  /** Teasers beside the content. */
  teasers?: boolean;
  body_class?: string;
}

interface Words {
  menu: string[];
  teasers: string[];
  consent: string;
  newsletter: string;
  share: string;
  footer: string;
  ad: string;
}

export const words: Record<string, Words> = {
  en: {
    menu: [
      "Home",
      "World",
      "Politics",
      "Business",
      "Technology",
      "Science",
      "Health",
      "Sports",
      "Culture",
      "Travel",
      "Opinion",
      "Video",
      "Podcasts",
      "Weather",
      "Jobs",
      "Cars",
    ],
    teasers: [
      "Ten gardens to see before summer ends",
      "Why the old bridge will stay closed",
      "A baker who only works at night",
      "The quiet return of the night train",
      "What your router knows about you",
      "Five soups for a cold week",
      "Inside the last lighthouse",
      "How to mend a wooden chair",
    ],
    consent: "We and our 742 partners store and access information on your device to show personalised ads.",
    newsletter: "Sign up to our daily briefing and never miss a story.",
    share: "Share this on Facebook, Twitter, WhatsApp or by email",
    footer: "All rights reserved. Terms of use, privacy notice and imprint.",
    ad: "Advertisement: drive the new model from 199 a month",
  },
  zh: {
    menu: [
      "首页",
      "新闻",
      "国内",
      "国际",
      "财经",
      "科技",
      "体育",
      "娱乐",
      "汽车",
      "房产",
      "教育",
      "健康",
      "旅游",
      "军事",
      "视频",
      "直播",
    ],
    teasers: [
      "周末去哪儿：城郊赏花路线推荐",
      "老街改造完成后迎来首批游客",
      "图书馆延长夜间开放时间",
      "新能源公交车上线运行",
      "市民广场举办美食节",
      "青年合唱团全国巡演启动",
      "湿地公园发现稀有候鸟",
      "社区食堂受到老人欢迎",
    ],
    consent: "本网站使用必要的浏览记录技术为您提供个性化广告，点击同意即表示接受。",
    newsletter: "订阅我们的每日资讯，第一时间获取热点。",
    share: "分享到微信、微博、QQ空间",
    footer: "版权所有 未经授权不得转载 京ICP备00000000号 举报电话",
    ad: "广告：新款轿车限时优惠",
  },
  ja: {
    menu: ["ホーム", "国内", "国際", "経済", "スポーツ", "芸能", "科学", "地域", "暮らし", "天気", "動画", "特集"],
    teasers: ["秋の紅葉名所めぐり", "新しい図書館が開館", "地元産の米で作るパン", "夜間列車が復活へ"],
    consent: "当サイトは利便性向上のためクッキーを使用しています。",
    newsletter: "メールマガジンに登録して最新情報を受け取る",
    share: "この記事をシェアする",
    footer: "無断転載を禁じます。利用規約と個人情報保護方針",
    ad: "広告：新型車の試乗予約",
  },
  de: {
    menu: ["Startseite", "Politik", "Wirtschaft", "Sport", "Kultur", "Wissen", "Reise", "Auto", "Wetter", "Lokales"],
    teasers: [
      "Warum die alte Brücke gesperrt bleibt",
      "Fünf Suppen für kalte Tage",
      "Der letzte Leuchtturmwärter",
      "Nachtzüge kehren zurück",
    ],
    consent: "Wir und unsere Partner speichern Informationen auf Ihrem Gerät, um Werbung zu personalisieren.",
    newsletter: "Abonnieren Sie unseren Newsletter und verpassen Sie nichts.",
    share: "Teilen Sie den Artikel",
    footer: "Alle Rechte vorbehalten. Impressum und Datenschutz.",
    ad: "Anzeige: Jetzt Probe fahren",
  },
  ar: {
    menu: ["الرئيسية", "أخبار", "اقتصاد", "رياضة", "ثقافة", "علوم", "صحة", "سفر"],
    teasers: ["حدائق المدينة تفتح أبوابها", "عودة القطار الليلي", "وصفات شتوية سهلة", "متحف جديد على الساحل"],
    consent: "نستخدم ملفات تعريف الارتباط لعرض إعلانات مخصصة لك.",
    newsletter: "اشترك في نشرتنا البريدية اليومية.",
    share: "شارك هذا المقال",
    footer: "جميع الحقوق محفوظة. شروط الاستخدام.",
    ad: "إعلان: سيارة جديدة بسعر خاص",
  },
};

export const wordsOf = (lang = "en"): Words => words[lang.slice(0, 2)] ?? (words.en as Words);

/** Deterministic noise. */
const code = (seed: number): string => ((seed * 2_654_435_761) >>> 0).toString(36);
const times = (count: number, make: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => make(index)).join("");

const styles = (count: number): string =>
  `<style data-href="app.css">${times(
    count,
    (n) =>
      `.c-${code(n)}{display:flex;align-items:center;padding:${n % 32}px ${n % 24}px;color:#${code(n + 7)
        .slice(0, 6)
        .padEnd(
          6,
          "0",
        )};transition:opacity .${n % 9}s ease}@media(min-width:${600 + n}px){.c-${code(n)}{width:${n % 100}%}}`,
  )}</style>`;

const scripts = (count: number): string =>
  times(
    count,
    (n) =>
      `<script>(function(w,d){w.__q${n}=w.__q${n}||[];w.__q${n}.push({id:"${code(n)}",slot:"/4411/${code(n + 3)}",sizes:[[300,250],[728,90]],t:${n * 37}});var s=d.createElement("script");s.async=!0;s.src="https://cdn.tracker.example/${code(n + 11)}.js";d.head.appendChild(s)})(window,document);</script>`,
  );

const data = (count: number): string =>
  `<script id="__STATE__" type="application/json">{"props":{"items":[${Array.from({ length: count }, (_, n) => `{"id":"${code(n)}","slug":"teaser-${code(n + 5)}","image":{"w":640,"h":360,"url":"https://img.example/${code(n + 9)}.webp"},"flags":["a","b"],"rank":${n}}`).join(",")}]}}</script>`;

const icons = (count: number): string =>
  `<svg style="display:none">${times(count, (n) => `<symbol id="i-${n}" viewBox="0 0 24 24"><title>Icon ${n}</title><path d="M${n} 2a${n % 9} ${n % 7} 0 1 0 4 8l${n % 5}.5-3.2c1.4-.8 2.9-1.1 4.4-.9z"/></symbol>`)}</svg>`;

function menu({ menu: items }: Words, levels: boolean): string {
  const inner = (item: string) =>
    levels
      ? `<div class="mega c-${code(item.length)}"><ul>${times(6, (n) => `<li><a class="mega-link" href="/${code(n)}/${n}">${item} ${n + 1}</a></li>`)}</ul></div>`
      : "";
  return `<ul class="menu">${items.map((item, n) => `<li class="menu-item c-${code(n)}"><a href="/section/${n}" data-track="nav-${n}"><span>${item}</span></a>${inner(item)}</li>`).join("")}</ul>`;
}

function teasers({ teasers: titles }: Words, count: number): string {
  return times(count, (n) => {
    const title = titles[n % titles.length] ?? "";
    return `<div class="teaser c-${code(n)}"><a href="/story/${code(n)}"><img src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7" data-src="https://img.example/${code(n)}.jpg" srcset="https://img.example/${code(n)}-320.jpg 320w, https://img.example/${code(n)}-640.jpg 640w" alt=""><h3 class="teaser__title">${title}</h3></a></div>`;
  });
}

/** The whole page. `content` stands where the site's template puts it. */
export function site(options: SiteOptions, content: string): string {
  const {
    lang = "en",
    title,
    site: name = "Example",
    head = "",
    weight = 2,
    plain = false,
    teasers: shown = true,
    body_class = "",
  } = options;
  const said = wordsOf(lang);
  const [header, nav, aside, footer] = plain ? ["div", "div", "div", "div"] : ["header", "nav", "aside", "footer"];
  const side = shown
    ? `<${aside} class="sidebar"><div class="ad-slot" id="ad-side">${said.ad}</div><div class="related">${teasers(said, 4 * weight)}</div></${aside}>`
    : "";
  return `<!DOCTYPE html>
<html lang="${lang}"${lang === "ar" ? ' dir="rtl"' : ""}><head><meta charset="utf-8"><title>${title} | ${name}</title>
<meta name="viewport" content="width=device-width"><meta property="og:title" content="${title}"><meta property="og:site_name" content="${name}">
${head}${times(6, (n) => `<link rel="preload" as="script" href="https://cdn.example/${code(n)}.js" crossorigin>`)}${styles(30 * weight)}${scripts(4 * weight)}</head>
<body class="page ${body_class}">${icons(10 * weight)}
<a class="skip-link" href="#content">Skip to content</a>
<div class="cookie-banner" id="consent"><p>${said.consent}</p><button>OK</button></div>
<${header} class="header site-header"><a href="/" class="logo"><img src="/logo.svg" alt="${name} logo"></a><${nav} class="nav main-nav">${menu(said, weight > 1)}</${nav}><form role="search" action="/search"><input name="q"><button>Search</button></form></${header}>
<div class="ad-slot" id="ad-top" data-slot="leaderboard"><span>${said.ad}</span></div>
<div class="layout c-${code(weight)}" id="root-layout">
${content}
${side}
</div>
<div class="newsletter c-${code(3)}"><h4>${said.newsletter}</h4><form><input type="email"><button>OK</button></form></div>
<div class="share social"><span>${said.share}</span></div>
<${footer} class="footer site-footer">${menu(said, false)}<p>${said.footer}</p></${footer}>
${data(20 * weight)}${scripts(4 * weight)}<noscript><img height="1" width="1" src="https://pixel.example/?id=${code(weight)}" alt=""></noscript>
</body></html>`;
}

export const paragraphs = (...texts: string[]): string =>
  texts.map((text) => `<p class="c-${code(text.length)}">${text}</p>`).join("\n");

export const list = (...items: string[]): string => `<ul>${items.map((item) => `<li>${item}</li>`).join("")}</ul>`;

export function table(head: string[], rows: (string | number)[][], attributes = ""): string {
  const line = (cells: (string | number)[], name: string) =>
    `<tr>${cells.map((cell) => `<${name} class="c-${code(String(cell).length)}"><span>${cell}</span></${name}>`).join("")}</tr>`;
  return `<table ${attributes}><thead>${line(head, "th")}</thead><tbody>${rows.map((row) => line(row, "td")).join("")}</tbody></table>`;
}

export interface SamplePage {
  /** The kind, as a file's name. */
  name: string;
  url: string;
  html: string;
  /** The bytes are in this encoding; UTF-8 otherwise. */
  charset?: "gb18030" | "big5" | "shift_jis" | "euc-kr" | "windows-1251";
  /** Lines and passages that must be in the Markdown. */
  has: string[];
  /** Beside what the site puts around its content. */
  not?: string[];
  title?: string;
  date?: string;
  /** The page is expected to need a browser, or to say little: its note must contain this. */
  note?: string;
}
