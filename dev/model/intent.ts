// Guesses what a request asks for from its words, in Chinese and English.

export type Intent = "stop" | "continue" | "ask" | "shop" | "research" | "build" | "change" | "talk";
export type ProjectKind = "shop" | "research" | "build";

// Long requests state their goal early; the limit also keeps every pattern below cheap.
const MAX_CHARACTERS = 2000;

const makeZh = "(?:做|建|搭|开发|制作|创建|写|编写|实现|设计|生成|部署|弄|要|来|整)";
const makeEn = "\\b(?:build|make|create|develop|set ?up|design|write|implement|launch|code|start|need|want|open)\\b";
const shopZh = "(?:电商|电子商务|网店|网上商店|在线商店|商城|购物网站|小店|商店)";
const shopEn =
  "(?:(?:online|web|e-?)[ -]?(?:book |tea |clothes |gift )?(?:shop|store)|bookshop|e-?commerce|storefront|shopping (?:site|website|page))";
const isShop = new RegExp(`${makeZh}.{0,20}${shopZh}|${makeEn}.{0,60}${shopEn}`, "is");
const isBareShop = new RegExp(`^(?:an? )?(?:${shopZh}|${shopEn})(?:网站|平台|系统| ?site| ?website)?$`, "i");
const isResearch =
  /调研|研究报告|分析报告|调查报告|研究一下|^(?:请|麻烦|帮我|给我|替我|我想|我要)*研究(?![生所院员])|(?:(?<![检审])查|找|搜|收集).{0,40}(?:来源|出处)|(?:做|写|出|来).{0,20}(?:报告|综述|研究)|\b(?:research|survey|investigate|white ?paper)\b|\b(?:write|make|create|prepare|give|need|want|draft)\b.{0,40}\breport\b|^report (?:on|about)\b/is;
const isBuild =
  /(?:帮我|请|给我|替我)?.{0,10}(?:做|制作|开发|搭建|建立|创建|实现|编写|写|设计|部署|配置|整理|准备|规划)(?:一|个|份|套|出|好|下|些|我)|\b(?:build|make|create|set ?up|implement|develop|write|design|deploy|configure|prepare|organi[sz]e|plan|draft)\s+(?:me\s+|us\s+)?(?:an?|the|my|our|some|two|three|\w+ \w+)\b/is;
const isVague =
  /^(?:请|麻烦)?(?:帮我|给我|我想|我要|能不能|可以)?(?:做|建|搭建?|开发|制作|写|创建|弄)一?个?(?:网站|网页|应用|软件|系统|项目|东西|app)[。.！!？?吗]*$|^(?:please )?(?:can you |could you |i want to |i'd like to )?(?:build|make|create|develop|write)(?: me| us)? (?:an?|some)? ?(?:website|site|web ?page|app|application|project|software|something)[.!?]*$/i;
const isAskFirst = /(?:问我|先问|问一下我|反问)|\bask me\b|\bquestion first\b/i;
const isQuestionWord =
  /^(?:什么|为什么|为何|怎么|如何|谁|哪|多少|是不是|what|why|how|who|when|where|which|is|are|does|do|did)\b|^(?:什么|为什么|怎么|如何|谁|哪)/i;
const isChange =
  /^(?:再|另外|还要|还想|顺便|然后|把|将|also\b|and also\b|now add\b|add\b|change\b|rename\b|remove\b|replace\b)/i;
const isStop =
  /^(?:停|停止|停下|别做了|不做了|算了|取消|stop|cancel|never ?mind|abort)[。.!！ ]*(?:吧|it|that|please|了)?[。.!！]*$/i;
const isContinue =
  /^(?:请)?(?:继续|接着|接着做|继续做|往下做|continue|go on|carry on|resume|keep going|proceed)\b|^(?:请)?(?:继续|接着)/i;

export function readIntent(request: string): Intent {
  const text = request.slice(0, MAX_CHARACTERS).trim();
  if (isStop.test(text)) return "stop";
  if (isContinue.test(text)) return "continue";
  if (isVague.test(text) || isAskFirst.test(text)) return "ask";
  if (isQuestionWord.test(text)) return "talk";
  if (isShop.test(text) || isBareShop.test(text.replace(/[。.!！]+$/, ""))) return "shop";
  if (isResearch.test(text)) return "research";
  if (isChange.test(text)) return "change";
  return isBuild.test(text) ? "build" : "talk";
}

/** The kind of project for a goal that is known to be a project. */
export function readKind(goal: Goal): ProjectKind {
  const answer = goal.answers.at(-1) ?? "";
  const ofAnswer = readAnswer(answer);
  if (ofAnswer) return ofAnswer;
  const ofText = readIntent(goal.text);
  return ofText === "shop" || ofText === "research" ? ofText : "build";
}

function readAnswer(answer: string): ProjectKind | null {
  if (answer === "") return null;
  const text = answer.slice(0, MAX_CHARACTERS);
  if (new RegExp(`${shopZh}|${shopEn}|\\b(?:shop|store)\\b`, "i").test(text)) return "shop";
  if (/报告|调研|研究|report|research/i.test(text)) return "research";
  return "build";
}

const lead =
  /^(?:请|麻烦|帮我|给我|替我|我想要?|我要|能不能|可以|你好[，,]?)+|^(?:(?:please|can you|could you|i want(?: you)? to|i'd like(?: you)? to|hi|hello)[, ]+)+/i;

const topics = [
  /关于[「“"《]?(.{1,80}?)[」”"》]?的?(?:调研|研究|分析|调查|市场)*(?:报告|综述|研究|调研)/,
  /(?:调研|研究|分析|调查)(?:一下|下)?[「“"《：:]?([^，。；！？,.;!?」”"》]{2,80})/,
  /(?<![检审])(?:查|搜索|查找|了解|收集|对比|比较)(?:一下|一查)?[「“"《：:]?([^，。；！？,.;!?」”"》]{2,80})/,
  /(?:写|做|出|来)(?!成)一?[份个篇]?(.{1,60}?)的?(?:调研|研究|分析|调查)*报告/,
  /\b(?:report|research|survey|paper|study)\b.{0,40}?\b(?:on|about|into|of)\s+([^.;!?]{2,100})/i,
  /\b(?:research|survey|investigate)\s+([^.;!?]{2,100})/i,
  /\b(?:compare|look up|find out about|gather data on)\s+([^.;!?]{2,100})/i,
];
/** What a request says of the report behind its subject, which is no part of it. */
const extras =
  /(?:，|,|并(?:且|写|做|出|给|把|附|列|生成|整理|形成|撰写)|然后|\band (?:write|make|give|prepare|draft|compile)\b|\s(?:with|including) (?:\w+ ){0,3}(?:sources?|figures|citations|references|numbers|data)\b).*$/i;

/** The subject of a report: the words after "on" or between the usual phrases. */
export function readTopic(goal: Goal): string {
  const text = goal.text.slice(0, MAX_CHARACTERS).replace(/\s+/g, " ").trim();
  const found = topics.map((pattern) => cleanTopic(pattern.exec(text)?.[1] ?? "")).find((topic) => topic !== "");
  const named = found ?? [...goal.answers, text.replace(lead, "")].find((each) => each !== "") ?? "?";
  // A person who chose "a report" without naming a subject gets an example.
  return named === "研究报告" ? "远程办公" : named === "Research report" ? "remote work" : shorten(named);
}

function cleanTopic(topic: string): string {
  return topic
    .replace(extras, "")
    .replace(/^(?:的?(?:调研|研究)?报告|一下)|^report$|的(?:最新)?(?:资料|数据|信息)$/i, "")
    .trim();
}

/** The subject of a generic project, as a short line without polite phrases. */
export function readAim(goal: Goal): string {
  const text =
    goal.text
      .slice(0, MAX_CHARACTERS)
      .replace(lead, "")
      .split(/[\n。；;]|[.!?！？](?:\s|$)/)[0] ?? "";
  const answer = goal.answers.at(-1);
  if (answer && readIntent(goal.text) === "ask") return shorten(answer);
  const aim = text
    .replace(/[：:]\s*$/, "")
    .replace(/[（(]?\b1[.、)].*$/, "")
    .trim();
  return shorten([aim || goal.text.trim() || "?", ...(answer ? [answer] : [])].join(" · "));
}

/** The steps that a request lists: numbered, bulleted, or joined with "then". */
export function readSteps(goal: Goal): string[] {
  const text = goal.text.slice(0, MAX_CHARACTERS);
  const marked = [
    ...text.matchAll(
      /(?:^|[\n\s：:，,；;])(?:[-*•]|\d{1,2}[.、)）])\s*([^\n；;]{2,120}?)(?=$|\n|[；;]|\s+\d{1,2}[.、)）])/g,
    ),
  ];
  const listed = marked.map((match) => match[1] ?? "");
  const chained = text
    .replace(lead, "")
    .split(/[，,。.；;\s]*(?:然后|接着|最后|之后再|\bthen\b|\bfinally\b|\bafter that\b)[，,\s]*/i);
  const steps = listed.length >= 2 ? listed : chained.length >= 2 ? chained : [];
  return steps
    .map((step) =>
      shorten(
        step
          .replace(/^(?:首先|先|first)[，,\s]*/i, "")
          .replace(/[，,。.；;！!\s]+$|\s+and$/g, "")
          .trim(),
      ),
    )
    .filter((step) => step.length > 1)
    .slice(0, 8);
}

function shorten(text: string): string {
  const points = [...text.replace(/\s+/g, " ").trim()];
  return points.length > 60 ? `${points.slice(0, 60).join("")}…` : points.join("");
}

/** The name of a folder: the Latin words of a subject, or a short number where it has none. */
export function nameFolder(aim: string): string {
  const words = aim
    .toLowerCase()
    .match(/[a-z0-9]+/g)
    ?.slice(0, 5)
    .join("-")
    .slice(0, 40);
  if (words && words.length > 2) return words;
  let hash = 5381;
  for (const point of aim) hash = (hash * 33 + (point.codePointAt(0) ?? 0)) % 0xffffff;
  return `project-${hash.toString(16)}`;
}

export interface Goal {
  text: string;
  /** The person's answers to questions. */
  answers: string[];
}
