// Articles: news, blogs, and what stands around them.
import { list, paragraphs, type SamplePage, site } from "./site.ts";

const flood = [
  "The river Lenne rose by two metres in a single night, and by six in the morning the lower town had to be left. Firefighters carried people from ground floors in boats that the rowing club had lent.",
  "“We had forty minutes,” said Marta Holm, who runs the bakery beside the old bridge. “The flour is gone, the ovens may be saved.” She was one of about 1,300 residents who spent the night in the school on the hill.",
  "Hydrologists had warned of high water on Tuesday, but the gauge at Altena failed shortly after midnight. The state's environment agency said that a tree trunk had torn off its sensor, and that a second gauge would be built upstream.",
  "By Thursday noon the water had fallen to 3.1 metres. Trains between Hagen and Siegen will not run before Monday, the operator said, because ballast was washed out at three places.",
  "The town asks for volunteers with pumps, and for nobody else: roads have to stay free for trucks.",
];

const meta = (published: string) =>
  `<meta property="og:type" content="article"><meta property="article:published_time" content="${published}"><script type="application/ld+json">{"@type":"NewsArticle","headline":"x","datePublished":"${published}"}</script>`;

const byline = `<div class="byline"><span class="author">By <a href="/authors/jk">Jonas Keller</a></span> <time>2 hours ago</time></div>`;

export const newsPages: SamplePage[] = [
  {
    name: "news-article",
    url: "https://news.example/2026/03/flood",
    title: "Lower town left after river rises two metres",
    date: "2026-03-05T06:30:00+01:00",
    html: site(
      {
        title: "Lower town left after river rises two metres",
        site: "The Courier",
        weight: 4,
        head: meta("2026-03-05T06:30:00+01:00"),
      },
      `<main id="content"><article class="article"><header><h1>Lower town left after river rises two metres</h1>${byline}</header>
<figure><img src="/f.jpg" alt="A rowing boat in front of a bakery"><figcaption>The bakery at the old bridge on Thursday</figcaption></figure>
${paragraphs(...flood.slice(0, 2))}<div class="ad-slot">Advertisement: drive the new model from 199 a month</div>${paragraphs(...flood.slice(2))}
<div class="related-inline"><h4>Read more</h4><a href="/story/1">Ten gardens to see before summer ends</a></div></article></main>`,
    ),
    has: [flood[0] as string, flood[4] as string, "The bakery at the old bridge on Thursday"],
    not: ["Ten gardens"],
  },
  {
    name: "news-live",
    url: "https://news.example/live/election",
    html: site(
      { title: "Council election: all results live", site: "The Courier", weight: 3 },
      `<main><h1>Council election: all results live</h1><ul class="key-points"><li>Turnout is 61.4 percent, the highest since 1998</li><li>Three of nine districts are counted</li></ul>
<div class="live-blog">${[
        [
          "21:40",
          "District 3 is counted",
          "The Greens win District 3 with 34.2 percent, ahead of the Liberals with 31.0. Four years ago the order was the other way round.",
        ],
        [
          "21:05",
          "First seat changes hands",
          "Ahmed Tok (Liberals) takes the seat of Brookside by 212 votes. A recount was asked for and refused.",
        ],
        [
          "20:10",
          "Polls are closed",
          "The count begins in the town hall and the sports centre. First figures are expected at nine.",
        ],
      ]
        .map(
          ([time, head, text]) =>
            `<article class="post"><time datetime="2026-05-17T${time}">${time}</time><h2>${head}</h2><p>${text}</p></article>`,
        )
        .join("")}</div></main>`,
    ),
    has: ["Turnout is 61.4 percent", "## First seat changes hands", "by 212 votes", "20:10"],
  },
  {
    name: "blog-post",
    url: "https://blog.example/posts/sourdough-in-winter/",
    date: "2026-01-18",
    html: site(
      {
        title: "Sourdough in a cold kitchen",
        site: "Crumb notes",
        weight: 1,
        head: '<meta name="date" content="2026-01-18">',
      },
      `<div id="primary" class="content-area"><main class="site-main"><article id="post-812" class="post type-post"><header class="entry-header"><h1 class="entry-title">Sourdough in a cold kitchen</h1></header><div class="entry-content">
${paragraphs(
  "My kitchen has 16 °C in January, and for years I thought that this was why my bread was flat. It is not: a cold dough is only a slow dough.",
  "What changed everything was a thermometer. The dough itself should have 24 °C when it is mixed, so the water has to be warmer than you think.",
)}<h2>How warm must the water be?</h2><p>Take three times the wanted temperature, and subtract that of the <em>flour</em> and of the <em>room</em>:</p>
<pre class="wp-block-code"><code>water = 3 × 24 − 16 − 17 = 39 °C</code></pre>
<h2>What I do now</h2><ol><li>Warm the bowl with hot water.</li><li>Mix at <strong>39 °C</strong>.</li><li>Leave it in the oven with only the lamp on, for <strong>six hours</strong>.</li></ol>
<p>The method is from <a href="/books/cold-dough">Cold Dough</a>, chapter 4.</p></div></article>
<div id="comments" class="comments-area"><h2>2 thoughts</h2><ol class="comment-list"><li class="comment"><p>Works in a yoghurt maker too.</p></li><li class="comment"><p>Thank you, mine rose for the first time!</p></li></ol></div></main></div>`,
    ),
    has: [
      "## How warm must the water be?",
      "water = 3 × 24 − 16 − 17 = 39 °C",
      "2. Mix at **39 °C**.",
      "[Cold Dough](https://blog.example/books/cold-dough)",
    ],
  },
  {
    name: "amp-article",
    url: "https://news.example/amp/flood",
    html: site(
      {
        title: "Flood: what is known",
        site: "The Courier",
        weight: 2,
        head: "<style amp-boilerplate>body{-webkit-animation:-amp-start 8s}</style>",
        body_class: "amp",
      },
      `<article class="amp-article"><h1>Flood: what is known</h1><amp-img src="/f.jpg" width="640" height="360" alt="x"></amp-img>${paragraphs(...flood)}<amp-ad type="x"><div placeholder hidden>Advertisement</div></amp-ad><amp-consent hidden><p>Do you agree?</p></amp-consent></article>`,
    ),
    has: flood.slice(0, 4),
    not: ["Do you agree?"],
  },
  {
    name: "print-view",
    url: "https://magazine.example/story/81?print=1",
    html: `<html><head><title>Print: The last lighthouse</title><style media="print">.x{display:none}</style></head><body onload="window.print()"><p class="noprint"><a href="javascript:history.back()">Back</a></p><h1>The last lighthouse</h1>${paragraphs(
      "Since 1871 somebody has slept below the lamp of Holm Point. In October the last keeper hands over the key, and a lamp that needs nobody takes her place.",
      "Ingrid Falk has lit the lamp more than nine thousand times. She says that she has never been lonely, because ships are company, even those one never sees.",
      "The tower will be open to visitors from May. Its lens, four metres high, was ground in Paris and came by sea in thirty-one crates.",
    )}<p>Source: magazine.example, printed on 4 April 2026</p></body></html>`,
    has: ["Since 1871 somebody", "thirty-one crates"],
    not: ["Back"],
  },
  {
    name: "paywall",
    url: "https://journal.example/markets/rates",
    html: site(
      { title: "Why the central bank waits", site: "The Journal", weight: 3, head: meta("2026-02-11T05:00:00Z") },
      `<main><article><h1>Why the central bank waits</h1>${paragraphs(
        "The central bank left its rate at 2.75 percent on Wednesday, although inflation has been below its goal for five months.",
        "Its president said that wages are the reason: they rose by 4.1 percent last year, faster than anybody had expected.",
      )}<div class="paywall-offer overlay" role="dialog"><h3>Continue reading for 1 a month</h3><button>Subscribe</button></div><div class="article-rest" aria-hidden="true"><p>Lorem ipsum filler that a reader never sees.</p></div></article></main>`,
    ),
    has: ["left its rate at 2.75 percent", "rose by 4.1 percent"],
    not: ["Lorem ipsum", "Continue reading for 1"],
  },
  {
    name: "newspaper-german",
    url: "https://zeitung.example/lokales/bruecke",
    date: "2026-04-02",
    html: site(
      {
        lang: "de",
        title: "Brücke bleibt bis Herbst gesperrt",
        site: "Kreisblatt",
        weight: 3,
        head: '<meta name="date" content="2026-04-02">',
      },
      `<main><article><h1>Brücke bleibt bis Herbst gesperrt</h1>${paragraphs(
        "Die Sperrung der Talbrücke dauert länger als geplant. Nach Angaben des Landkreises müssen 38 von 112 Spannseilen ersetzt werden, und der Hersteller liefert erst im August.",
        "Für den Umweg über Neudorf brauchen Pendler derzeit rund 25 Minuten mehr. Der Bus der Linie 7 fährt deshalb ab Montag alle zehn Minuten, und zwar ohne Aufpreis.",
        "Landrätin Petra Voß (parteilos) schloss aus, die Brücke für Radfahrer früher zu öffnen: „Ein Seil, das reißt, fragt nicht, wer darunter fährt.“",
      )}</article></main>`,
    ),
    has: ["38 von 112 Spannseilen", "„Ein Seil, das reißt, fragt nicht, wer darunter fährt.“"],
  },
  {
    name: "arabic-article",
    url: "https://akhbar.example/culture/museum",
    html: site(
      { lang: "ar", title: "افتتاح متحف البحر في المدينة القديمة", site: "أخبار", weight: 2 },
      `<main dir="rtl"><article><h1>افتتاح متحف البحر في المدينة القديمة</h1>${paragraphs(
        "افتتحت المدينة القديمة يوم السبت متحف البحر بعد ست سنوات من الترميم، ويضم المتحف أكثر من ألف قطعة من سفن وأدوات صيد وخرائط.",
        "وقالت مديرة المتحف ليلى حداد إن القارب الخشبي المعروض في القاعة الرئيسية صنع عام 1893 وإنه أبحر آخر مرة قبل خمسين عاما.",
        "يفتح المتحف أبوابه يوميا من التاسعة صباحا حتى السادسة مساء، والدخول مجاني يوم الأحد.",
      )}</article></main>`,
    ),
    has: ["بعد ست سنوات من الترميم", "والدخول مجاني يوم الأحد"],
  },
];

export const eventPages: SamplePage[] = [
  {
    name: "event",
    url: "https://events.example/e/harbour-run",
    html: site(
      {
        title: "Harbour Run 2026",
        site: "Events",
        weight: 2,
        head: '<script type="application/ld+json">{"@type":"Event","startDate":"2026-09-12"}</script>',
      },
      `<main><h1>Harbour Run 2026</h1><dl class="facts"><dt>When</dt><dd>Saturday, 12 September 2026, 9:00</dd><dt>Where</dt><dd>Pier 4, Holm Point</dd><dt>Price</dt><dd>28 € until 1 August, 35 € later</dd></dl>
<h2>Distances</h2>${list("5 km, start 9:00", "10 km, start 10:15", "Half marathon, start 11:30")}<h2>What to bring</h2><p>A cup: there are none at the water points. Lockers cost two euros.</p></main>`,
    ),
    has: [
      "- **When**: Saturday, 12 September 2026, 9:00",
      "- **Price**: 28 € until 1 August, 35 € later",
      "- Half marathon, start 11:30",
    ],
  },
  {
    name: "job-offer",
    url: "https://jobs.example/j/4471",
    html: site(
      { title: "Bridge engineer (m/f/d)", site: "Jobs", weight: 3 },
      `<main><div class="job"><h1>Bridge engineer (m/f/d)</h1><ul class="job-meta"><li>Hagen, hybrid</li><li>Full time, 38 hours</li><li>62,000–74,000 € a year</li></ul><h2>What you do</h2>${list("Inspect 140 bridges of the district, each every six years", "Plan repairs and ask for offers", "Explain closures to people who are angry about them")}<h2>What you bring</h2>${list("A degree in civil engineering", "A driving licence", "Patience")}<p>Apply until <strong>30 June 2026</strong> with reference 4471.</p></div><section class="similar-jobs related"><h2>Similar jobs</h2><ul>${Array.from({ length: 8 }, (_, n) => `<li><a href="/j/${n}">Site manager ${n}</a></li>`).join("")}</ul></section></main>`,
    ),
    has: ["62,000–74,000 € a year", "- Inspect 140 bridges", "**30 June 2026**"],
    not: ["Site manager 3"],
  },
];
