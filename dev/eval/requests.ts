// The requests of the evaluation: five of each kind, half of them Chinese, with the accepted first moves. They differ
// from the prompt's own examples, except for the one that the product is known by: a model that only repeats what it
// was shown would score well on those.

/**
 * `plan`: create_tasks is the first call; `ask`: a question is; `answer`: text and no call; `look`: calls that only read;
 * `work`: any other call is first.
 */
export type Move = "plan" | "ask" | "answer" | "look" | "work" | "nothing";

export const kinds = ["research", "content", "multi-step", "project", "small-talk", "one-answer"] as const;
export type Kind = (typeof kinds)[number];

export type Language = "zh" | "en";

export interface EvalRequest {
  /** `<kind>-<number>`. */
  id: string;
  kind: Kind;
  language: Language;
  text: string;
  accepted: Move[];
}

const planned: Move[] = ["plan"];
const answered: Move[] = ["answer"];
const ambiguous: Move[] = ["plan", "ask"];
/** The plan depends on files that are there already. */
const about_files: Move[] = ["plan", "look"];

type Row = [language: Language, text: string, accepted?: Move[]];

const rows: Record<Kind, Row[]> = {
  research: [
    ["zh", "调研一下国内主流的开源向量数据库，给我一个选型建议"],
    ["zh", "收集近三年新能源汽车的销量数据，看看增长最快的是哪些品牌"],
    ["en", "Research how the big cloud providers price object storage and tell me which is cheapest for 10 TB"],
    ["en", "Find out which static site generators are still maintained and compare their build times"],
    ["zh", "查一查 PostgreSQL 和 MySQL 的全文检索各有什么限制，列出资料来源"],
  ],
  content: [
    ["en", "Write a report on the state of remote work in Europe"],
    ["zh", "写一份关于远程办公利弊的分析报告"],
    ["en", "Write the documentation of a small REST API with users and orders: quick start, endpoints, errors"],
    ["zh", "帮我写一篇介绍边缘计算的长文，大概两千字"],
    ["en", "Draft an employee handbook for a company of twenty people"],
  ],
  "multi-step": [
    ["zh", "搭建一个 Python 环境，写一个读取 CSV 的脚本，再加上单元测试"],
    ["en", "Set up a Node project with TypeScript, add a linter and a first passing test"],
    ["zh", "把 src 目录下的日志函数改名，更新所有引用，然后跑一遍测试", about_files],
    ["en", "Clone https://github.com/example/notes, find out why its tests fail, fix that and commit the fix"],
    ["zh", "写一个快速排序函数，测试它，再用一万个随机数测一下速度"],
  ],
  project: [
    ["zh", "帮我做一个电商网站"],
    ["en", "Build a booking site for my barber shop"],
    ["en", "Create a to-do app with a backend, a database and a web page"],
    ["zh", "开发一个可以多人聊天的网页应用，部署好给我链接"],
    ["en", "Make an app", ambiguous],
  ],
  "small-talk": [
    ["zh", "你好！"],
    ["zh", "谢谢，今天辛苦你了"],
    ["en", "Hi, who are you?"],
    ["en", "Good morning! How is it going?"],
    ["zh", "你能帮我做些什么？"],
  ],
  "one-answer": [
    ["zh", "什么是死锁？"],
    ["en", "What is 17 * 23?"],
    ["en", "What is the difference between TCP and UDP, in two sentences?"],
    ["zh", "静态网站一般怎么部署？大概说说就行"],
    ["en", "Give me a name for a bakery in Lisbon"],
  ],
};

export function isPlanned(kind: Kind): boolean {
  return kind !== "small-talk" && kind !== "one-answer";
}

export const requests: EvalRequest[] = kinds.flatMap((kind) =>
  rows[kind].map(([language, text, accepted], index) => ({
    id: `${kind}-${index + 1}`,
    kind,
    language,
    text,
    accepted: accepted ?? (isPlanned(kind) ? planned : answered),
  })),
);
