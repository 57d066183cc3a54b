// Pages whose facts stand in tables and lists: prices, times, results, weather, shops, search results.
import { list, type SamplePage, site, table } from "./site.ts";

const products = [
  ["Kettle K2", "1.7 l, 2200 W, steel", "39.90 €", "4.6 of 5 (812)"],
  ["Kettle Mini", "0.8 l, 1100 W, for travel", "24.50 €", "4.1 of 5 (96)"],
  ["Teapot Hana", "1.2 l, cast iron, with sieve", "54.00 €", "4.8 of 5 (1,204)"],
  ["Kettle Pro 80", "1.5 l, holds 80 °C for 30 minutes", "79.00 €", "4.4 of 5 (377)"],
];

export const tablePages: SamplePage[] = [
  {
    name: "timetable",
    url: "https://rail.example/timetable/7",
    html: site(
      { title: "Line 7 Hagen–Siegen", site: "Rail", weight: 2, teasers: false },
      `<main><h1>Line 7 Hagen–Siegen</h1><p>Valid from 14 June 2026. Not on 24 December.</p><table class="timetable"><thead><tr><th>Days</th><th>Hagen</th><th>Altena</th><th>Siegen</th></tr></thead><tbody><tr><td rowspan="3">Mon–Fri</td><td>5:12</td><td>5:48</td><td>6:55</td></tr><tr><td>6:12</td><td>6:48</td><td>7:55</td></tr><tr><td>7:12</td><td>7:48</td><td>8:55</td></tr><tr><td>Sat</td><td>8:12</td><td>8:48</td><td>9:55</td></tr><tr><td>Sun</td><td colspan="3">replacement buses</td></tr></tbody></table></main>`,
    ),
    has: ["| Mon–Fri | 7:12 | 7:48 | 8:55 |", "| Sun | replacement buses |", "Valid from 14 June 2026"],
  },
  {
    name: "weather",
    url: "https://weather.example/city/hagen",
    html: site(
      { title: "Weather in Hagen", site: "Weather", weight: 4 },
      `<main><h1>Weather in Hagen</h1><div class="now"><span class="temp">12°</span> <span>light rain, wind 18 km/h from the west</span></div><h2>Next days</h2>${table(
        ["Day", "High", "Low", "Rain"],
        [
          ["Fri 6", "13°", "6°", "80 %"],
          ["Sat 7", "9°", "2°", "40 %"],
          ["Sun 8", "8°", "-1°", "10 %"],
          ["Mon 9", "11°", "0°", "5 %"],
        ],
      )}<p>Warning: frost in valleys in the night to Monday.</p></main>`,
    ),
    has: ["12° light rain, wind 18 km/h", "| Sun 8 | 8° | -1° | 10 % |", "Warning: frost in valleys"],
  },
  {
    name: "stock-table",
    url: "https://markets.example/indices",
    html: site(
      { title: "Indices", site: "Markets", weight: 4 },
      `<main><h1>Indices</h1>${table(
        ["Index", "Last", "Change", "High", "Low"],
        [
          ["DAX", "24,118.20", "+0.42 %", "24,190.10", "23,980.55"],
          ["FTSE 100", "9,871.40", "-0.13 %", "9,902.00", "9,850.70"],
          ["Nikkei 225", "51,204.66", "+1.08 %", "51,310.02", "50,611.48"],
          ["Hang Seng", "27,440.90", "-0.77 %", "27,702.15", "27,391.00"],
        ],
        'class="quotes" data-refresh="15"',
      )}<p>Delayed by 15 minutes. As of 5 March 2026, 16:45 UTC.</p></main>`,
    ),
    has: ["| Nikkei 225 | 51,204.66 | +1.08 % | 51,310.02 | 50,611.48 |", "Delayed by 15 minutes"],
  },
  {
    name: "sports-result",
    url: "https://sport.example/match/88123",
    html: site(
      { title: "Hagen 3–2 Siegen", site: "Sport", weight: 3 },
      `<main><h1>Hagen 3–2 Siegen</h1><p class="match-info">League Two, 26th day, 4,120 people</p><ul class="events"><li>12' 0–1 Okoro</li><li>31' 1–1 Brandt (penalty)</li><li>58' 2–1 Yilmaz</li><li>77' 2–2 Okoro</li><li>90'+4 3–2 Brandt</li></ul><h2>Table</h2>${table(
        ["#", "Team", "Played", "Points"],
        [
          [1, "Hagen", 26, 54],
          [2, "Bochum II", 26, 51],
          [3, "Siegen", 26, 49],
        ],
      )}</main>`,
    ),
    has: ["- 90'+4 3–2 Brandt", "| 3 | Siegen | 26 | 49 |", "4,120 people"],
  },
  {
    name: "statistics-table",
    url: "https://stat.example/population",
    html: site(
      { title: "Population by district", site: "Statistics", weight: 1, teasers: false },
      `<main><h1>Population by district</h1>${table(
        ["District", "2015", "2020", "2025"],
        Array.from({ length: 40 }, (_, n) => [
          `District ${n + 1}`,
          10_000 + n * 137,
          10_200 + n * 139,
          10_450 + n * 141,
        ]),
        'class="data" border="1"',
      )}<p>Source: register of residents, 31 December of each year.</p></main>`,
    ),
    has: [
      "| District | 2015 | 2020 | 2025 |",
      "| District 40 | 15343 | 15621 | 15949 |",
      "Source: register of residents",
    ],
  },
  {
    name: "shop-list",
    url: "https://shop.example/kettles?page=1",
    html: site(
      { title: "Kettles", site: "Shop", weight: 3, teasers: false },
      `<main><h1>Kettles</h1><p>${products.length} products</p><div class="filters sidebar"><ul>${Array.from({ length: 14 }, (_, n) => `<li><a href="?brand=${n}">Brand ${n}</a></li>`).join("")}</ul></div><ul class="products">${products
        .map(
          ([name, text, price, stars], n) =>
            `<li class="product"><a href="/p/${n}"><img src="/${n}.jpg" alt=""><h2>${name}</h2></a><p class="text">${text}</p><span class="price">${price}</span> <span class="stars">${stars}</span><button>Add to cart</button></li>`,
        )
        .join("")}</ul></main>`,
    ),
    has: ["[Kettle Pro 80](https://shop.example/p/3)", "79.00 €", "holds 80 °C for 30 minutes", "4.8 of 5 (1,204)"],
    not: ["Add to cart"],
  },
  {
    name: "shop-product",
    url: "https://shop.example/p/3",
    html: site(
      { title: "Kettle Pro 80", site: "Shop", weight: 3 },
      `<main><div class="product-page"><h1>Kettle Pro 80</h1><div class="price-box"><span class="price">79.00 €</span> <del>94.00 €</del> <span>In stock, 1–2 days</span></div><p>Holds the water at 80 °C for half an hour, because green tea dislikes boiling water.</p><h2>Data</h2><table class="specs"><tr><th>Volume</th><td>1.5 l</td></tr><tr><th>Power</th><td>2000 W</td></tr><tr><th>Weight</th><td>1.3 kg</td></tr></table><h2>Reviews</h2><div class="review"><strong>Quiet</strong><p>The quietest one I have had, but the lid sticks. Four stars.</p></div></div></main>`,
    ),
    has: ["79.00 € ~~94.00 €~~ In stock, 1–2 days", "| Volume | 1.5 l |", "the lid sticks"],
  },
  {
    name: "search-results",
    url: "https://search.example/?q=lenne+flood",
    html: site(
      { title: "lenne flood - Search", site: "Search", weight: 1, teasers: false },
      `<main><div id="results">${[
        [
          "Lower town left after river rises two metres",
          "https://news.example/2026/03/flood",
          "The river Lenne rose by two metres in a single night …",
        ],
        [
          "Lenne (river)",
          "https://wiki.example/wiki/Lenne",
          "The Lenne is a river in the hills of the Sauerland. It rises at 819 metres …",
        ],
        [
          "Gauges of the state",
          "https://water.example/gauges",
          "Current levels of 212 gauges, renewed every 15 minutes …",
        ],
      ]
        .map(
          ([title, url, text]) =>
            `<div class="result"><h3><a href="${url}">${title}</a></h3><cite>${url}</cite><p>${text}</p></div>`,
        )
        .join("")}</div></main>`,
    ),
    has: [
      "### [Lenne (river)](https://wiki.example/wiki/Lenne)",
      "Current levels of 212 gauges",
      "[Lower town left after river rises two metres](https://news.example/2026/03/flood)",
    ],
  },
  {
    name: "recipe",
    url: "https://kitchen.example/potato-soup",
    html: site(
      { title: "Potato soup with marjoram", site: "Kitchen", weight: 4 },
      `<main><article><h1>Potato soup with marjoram</h1><p>My grandmother made it on Saturdays. Skip to the recipe if you are hungry.</p><a class="jump" href="#recipe">Jump to recipe</a><div id="recipe" class="recipe-card"><h2>Ingredients</h2>${list("1 kg floury potatoes", "2 leeks", "1 l broth", "2 teaspoons dried marjoram", "100 g cream")}<h2>Steps</h2><ol><li>Peel the potatoes and cut them small. Slice the leeks.</li><li>Cook both in the broth for 25 minutes.</li><li>Crush half of it, stir in marjoram and cream.</li></ol><p>For 4 people, 40 minutes, 310 kcal each.</p></div></article></main>`,
    ),
    has: ["- 2 teaspoons dried marjoram", "2. Cook both in the broth for 25 minutes.", "310 kcal each"],
  },
];
