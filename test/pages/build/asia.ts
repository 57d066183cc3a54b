// Pages in Chinese, Japanese and Korean, also in the encodings that they had before UTF-8.
import { paragraphs, type SamplePage, site, table } from "./site.ts";

const river = [
  "本报讯 受连续强降雨影响，青河水位一夜之间上涨两米，截至昨日早上六时，下游老城区一千三百余名居民已全部转移到安全地带，无人员伤亡。",
  "“当时只有四十分钟。”在老桥边经营面包店的马女士告诉记者，“面粉都没了，烤炉也许还能修。”消防员用赛艇俱乐部的小船把困在一楼的居民接了出来。",
  "市水务局表示，上游水文站的传感器当晚被一根树干撞毁，零时以后的数据因此中断。今年内将在上游再建一座备用站。",
  "铁路部门介绍，因三处路基被冲毁，周一前青河沿线列车停运，已购票旅客可免费退票。",
];

const legacyMeta = (charset: string) => `<meta http-equiv="Content-Type" content="text/html; charset=${charset}">`;

export const asianPages: SamplePage[] = [
  {
    name: "chinese-portal-article",
    url: "https://news.portal.example/c/2026-03-05/doc-1.shtml",
    date: "2026-03-05T08:12:00",
    html: site(
      {
        lang: "zh",
        title: "青河一夜上涨两米 老城居民连夜转移",
        site: "门户新闻",
        plain: true,
        weight: 4,
        head: '<meta name="publishdate" content="2026-03-05 08:12:00">',
      },
      `<div class="main-content w1240"><h1 class="main-title">青河一夜上涨两米 老城居民连夜转移</h1><div class="top-bar"><span class="date">2026年03月05日 08:12</span><span class="source">青河日报</span></div><div class="article" id="artibody">${paragraphs(...river)}<p class="show_author">责任编辑：李明</p></div></div>`,
    ),
    has: [river[0] as string, river[3] as string, "责任编辑：李明"],
  },
  {
    name: "chinese-portal-home",
    url: "https://www.portal.example/",
    html: site(
      { lang: "zh", title: "门户首页", site: "门户", plain: true, weight: 3, teasers: false },
      `<div class="blk">${["国内", "财经", "科技"].map((section) => `<div class="section"><h2>${section}</h2><ul>${Array.from({ length: 8 }, (_, n) => `<li><a href="/a/${section}/${n}">${section}要闻第${n + 1}条：关于今年各项重点工作推进情况的最新报道</a></li>`).join("")}</ul></div>`).join("")}</div>`,
    ),
    has: ["## 财经", "[科技要闻第8条：关于今年各项重点工作推进情况的最新报道]("],
  },
  {
    name: "chinese-gbk",
    url: "http://old.portal.example/html/20031102.html",
    charset: "gb18030",
    html: `<html lang="zh-CN"><head>${legacyMeta("gb2312")}<title>青河水文志</title></head><body><table width="760" align="center"><tr><td bgcolor="#336699"><a href="/">首页</a> <a href="/a">概况</a> <a href="/b">机构</a> <a href="/c">法规</a> <a href="/d">留言</a></td></tr><tr><td><font size="5"><b>青河水文志</b></font><p>青河发源于海拔八百一十九米的青岭，全长一百二十九公里，流域面积一千三百五十三平方公里。</p><p>自十四世纪起，沿河居民利用急流带动水车拉制铁丝。一八九〇年，河谷里共有一百六十四座作坊。</p></td></tr><tr><td align="center">版权所有 青河水务局</td></tr></table></body></html>`,
    title: "青河水文志",
    has: ["青河发源于海拔八百一十九米的青岭", "一百六十四座作坊"],
  },
  {
    name: "taiwanese-big5",
    url: "http://www.library.example.tw/notice.htm",
    charset: "big5",
    html: `<html lang="zh-TW"><head>${legacyMeta("big5")}<title>開館時間公告</title></head><body><center><h1>開館時間公告</h1></center><p>本館自三月一日起調整開館時間：週二至週五上午九時至下午八時，週六及週日上午九時至下午五時，週一休館。</p><p>還書箱全天開放，逾期每日罰款五元。</p></body></html>`,
    title: "開館時間公告",
    has: ["週二至週五上午九時至下午八時", "逾期每日罰款五元"],
  },
  {
    name: "japanese-shift-jis",
    url: "http://www.rosen.example.jp/jikoku.html",
    charset: "shift_jis",
    html: `<html lang="ja"><head>${legacyMeta("Shift_JIS")}<title>バス時刻表</title></head><body><h1>バス時刻表</h1><p>平日と土曜日で時刻が異なります。積雪時は運休することがあります。</p>${table(
      ["行き先", "平日", "土曜日"],
      [
        ["港前", "七時十分", "八時"],
        ["山手病院", "七時四十分", "八時半"],
      ],
    )}</body></html>`,
    title: "バス時刻表",
    has: ["積雪時は運休することがあります。", "| 山手病院 | 七時四十分 | 八時半 |"],
  },
  {
    name: "korean-euc-kr",
    url: "http://www.gu.example.kr/news/12",
    charset: "euc-kr",
    html: `<html lang="ko"><head>${legacyMeta("euc-kr")}<title>도서관 안내</title></head><body><h1>도서관 안내</h1><p>구립 도서관은 오전 아홉 시부터 오후 열 시까지 엽니다. 매달 첫째 월요일은 쉽니다.</p></body></html>`,
    title: "도서관 안내",
    has: ["매달 첫째 월요일은 쉽니다."],
  },
  {
    name: "russian-windows-1251",
    url: "http://www.ozero.example.ru/pogoda.html",
    charset: "windows-1251",
    html: `<html lang="ru"><head>${legacyMeta("windows-1251")}<title>Погода на озере</title></head><body><h1>Погода на озере</h1><p>Ночью ожидается шторм, ветер до двадцати метров в секунду. Паром до острова не ходит.</p></body></html>`,
    title: "Погода на озере",
    has: ["Паром до острова не ходит."],
  },
  {
    name: "japanese-news",
    url: "https://shinbun.example/articles/881",
    html: site(
      { lang: "ja", title: "最後の灯台守が引退", site: "新聞", weight: 3 },
      `<main><article><h1>最後の灯台守が引退</h1>${paragraphs(
        "明治四年から人が住み続けてきたホルム岬の灯台で、最後の灯台守が十月に鍵を返す。これからは無人の灯器が海を照らす。",
        "三十年間灯をともしてきたファルクさんは「寂しいと思ったことはない。見えない船も仲間だから」と話した。",
        "灯台は五月から一般公開される。高さ四メートルのレンズはパリで磨かれ、三十一の木箱に分けて船で運ばれた。",
      )}</article></main>`,
    ),
    has: ["「寂しいと思ったことはない。見えない船も仲間だから」", "三十一の木箱"],
  },
  {
    name: "chinese-question",
    url: "https://wenda.example/question/5521",
    html: site(
      { lang: "zh", title: "为什么冬天面团发得慢？", site: "问答", weight: 3 },
      `<main><div class="QuestionHeader"><h1>为什么冬天面团发得慢？</h1></div><div class="AnswerItem"><div class="RichContent"><p>因为酵母在二十四度左右最活跃，厨房只有十六度时，发酵时间大约要翻一倍。</p><p>最简单的办法是用温水和面，让面团本身达到<b>二十四度</b>，而不是去加热整个厨房。</p></div><div class="ContentItem-actions"><button>赞同 312</button></div></div><div class="AnswerItem"><div class="RichContent"><p>放进只开灯的烤箱里，六个小时就好。</p></div></div></main>`,
    ),
    has: ["酵母在二十四度左右最活跃", "达到**二十四度**", "六个小时就好"],
    not: ["赞同"],
  },
];
