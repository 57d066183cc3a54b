// A check in one line of plain words, for the model and for people who read English or Chinese. Texts of others stand in
// quotes or backticks: they are data.
import { cutEnd } from "../../lib/truncate.ts";
import type { Check, CheckInput } from "../../protocol/plan/check.ts";

/** A line is for orientation; the spec has all of it. */
const LINE_CHARACTERS = 120;
const TEXT_CHARACTERS = 60;

export function describeCheck(spec: CheckInput, chinese = false): string {
  const line = describeSpec(spec, chinese ? chineseWords : english);
  return line.length > LINE_CHARACTERS ? `${cutEnd(line, LINE_CHARACTERS - 1)}…` : line;
}

/** What the line does not say. */
const unsaid = ["start", "protected", "cwd", "timeout_seconds"];

/** For a person who approves it: all of the check, as JSON where the line would leave something out. */
export function describeWhole(spec: CheckInput, chinese = false): string {
  const line = describeCheck(spec, chinese);
  return line.includes("…") || unsaid.some((name) => name in spec) ? JSON.stringify(spec) : line;
}

/** For the model, with the number by which it may remove the check. */
export function listChecks(checks: readonly Check[]): string[] {
  return checks.map(({ spec, author, result }, at) => {
    const seen = result === undefined ? "" : result.stale ? ", passed before files changed" : `, ${result.outcome}`;
    return `${at + 1}: ${describeCheck(spec)} (${author === "model" ? "yours" : `the ${author}'s`}${seen})`;
  });
}

type Words = typeof english;

const english = {
  and: ", ",
  exits: (command: string, code: number) => `${command} exits with ${code}`,
  exists: (path: string) => `${path} exists`,
  absent: (path: string) => `${path} does not exist`,
  answers: (address: string, status: number) => `GET ${address} answers ${status}`,
  contains: (text: string) => `contains ${text}`,
  excludes: (text: string) => `does not contain ${text}`,
  matches: (pattern: string) => `matches ${pattern}`,
  atLeast: (bytes: number) => `has at least ${bytes} bytes`,
  atMost: (bytes: number) => `has at most ${bytes} bytes`,
  has: (path: string) => `has ${path} in its JSON`,
  equals: (path: string, value: string) => `has ${path} = ${value} in its JSON`,
  items: (path: string, count: number) => `has at least ${count} items at ${path} in its JSON`,
  git: "git",
  clean: "has nothing uncommitted",
  branch: (name: string) => `is on the branch ${name}`,
  pushed: "has nothing unpushed",
  person: (question: string) => `a person says yes to ${question}`,
  after: (command: string) => ` after ${command}`,
};

const chineseWords: Words = {
  and: "，",
  exits: (command, code) => `${command} 的退出码为 ${code}`,
  exists: (path) => `${path} 存在`,
  absent: (path) => `${path} 不存在`,
  answers: (address, status) => `GET ${address} 返回 ${status}`,
  contains: (text) => `包含 ${text}`,
  excludes: (text) => `不包含 ${text}`,
  matches: (pattern) => `匹配 ${pattern}`,
  atLeast: (bytes) => `至少 ${bytes} 字节`,
  atMost: (bytes) => `至多 ${bytes} 字节`,
  has: (path) => `JSON 中有 ${path}`,
  equals: (path, value) => `JSON 中 ${path} = ${value}`,
  items: (path, count) => `JSON 中 ${path} 至少有 ${count} 项`,
  git: "git",
  clean: "没有未提交的改动",
  branch: (name) => `位于分支 ${name}`,
  pushed: "没有未推送的提交",
  person: (question) => `需要有人确认：${question}`,
  after: (command) => `（先运行 ${command}）`,
};

function describeSpec(spec: CheckInput, words: Words): string {
  switch (spec.type) {
    case "command":
      return join([words.exits(code(spec.run), spec.exit_code ?? 0), ...textConditions(spec, words)], words);
    case "file":
      return describeFile(spec, words);
    case "http": {
      const address = spec.url ?? `:${spec.port ?? ""}${spec.path ?? "/"}`;
      const conditions = [...textConditions(spec, words), ...jsonCondition(spec.json, words)];
      const start = spec.start === undefined ? "" : words.after(code(spec.start.run));
      return join([words.answers(oneLine(address), spec.status ?? 200), ...conditions], words) + start;
    }
    case "git": {
      const conditions = [
        ...(spec.clean ? [words.clean] : []),
        ...(spec.branch === undefined ? [] : [words.branch(oneLine(spec.branch))]),
        ...(spec.pushed ? [words.pushed] : []),
      ];
      return `${words.git} ${join(conditions, words)}`;
    }
    case "person":
      return words.person(quoted(spec.question));
  }
}

function describeFile(spec: Extract<CheckInput, { type: "file" }>, words: Words): string {
  const path = oneLine(spec.path);
  if (spec.exists === false) return words.absent(path);
  const conditions = [
    ...textConditions(spec, words),
    ...jsonCondition(spec.json, words),
    ...(spec.min_bytes === undefined ? [] : [words.atLeast(spec.min_bytes)]),
    ...(spec.max_bytes === undefined ? [] : [words.atMost(spec.max_bytes)]),
  ];
  return conditions.length === 0 ? words.exists(path) : `${path} ${join(conditions, words)}`;
}

interface TextConditions {
  contains?: string | undefined;
  excludes?: string | undefined;
  matches?: string | undefined;
}

export function hasText({ contains, excludes, matches }: TextConditions): boolean {
  return contains !== undefined || excludes !== undefined || matches !== undefined;
}

function textConditions({ contains, excludes, matches }: TextConditions, words: Words): string[] {
  return [
    ...(contains === undefined ? [] : [words.contains(quoted(contains))]),
    ...(excludes === undefined ? [] : [words.excludes(quoted(excludes))]),
    ...(matches === undefined ? [] : [words.matches(code(matches))]),
  ];
}

type JsonCondition = Extract<CheckInput, { type: "file" }>["json"];

function jsonCondition(json: JsonCondition, words: Words): string[] {
  if (json === undefined) return [];
  const path = oneLine(json.path);
  return [
    ...(json.equals === undefined && json.min_items === undefined ? [words.has(path)] : []),
    ...(json.equals === undefined ? [] : [words.equals(path, quoted(json.equals))]),
    ...(json.min_items === undefined ? [] : [words.items(path, json.min_items)]),
  ];
}

function join(parts: string[], { and }: Words): string {
  return parts.join(and);
}

function code(text: string): string {
  return `\`${oneLine(text)}\``;
}

function quoted(value: unknown): string {
  return JSON.stringify(typeof value === "string" ? oneLine(value) : value);
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > TEXT_CHARACTERS ? `${cutEnd(line, TEXT_CHARACTERS - 1)}…` : line;
}
