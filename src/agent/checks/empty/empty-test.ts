// Recognizes a test that the model wrote and that asserts nothing: it passes whatever the code does. It judges the
// text alone and is lenient: a word that may be an assertion, such as `verify(…)`, is taken for one.
import { isRecord } from "../../../lib/is-record.ts";
import type { Task } from "../../../protocol/plan/task.ts";
import { parseJson } from "../../calls/leniency.ts";
import type { ModelMessage } from "../../model.ts";
import { quote } from "../../plan/text.ts";

const named =
  /(?:^|\/)(?:tests?|__tests__|specs?)\/|[._-](?:test|spec|tests)\.[a-z]+$|(?:^|\/)test_[^/]+$|_(?:test|spec)\.[a-z]+$/i;

/** Commands that run all tests of a project. */
const runners =
  /\b(?:(?:npm|pnpm|yarn|bun)(?: run)? (?:t|test)\b|vitest|jest|mocha|ava|node --test|deno test|bun test|pytest|unittest|go test|cargo test|rspec|phpunit|make (?:test|check)\b)/;

/** A longer one is taken to assert something. All expressions here take time in proportion to the text. */
const MAX_CHARACTERS = 100_000;

const literal = String.raw`(?:true|false|null|None|True|False|-?\d+(?:\.\d+)?|"[^"\n]*"|'[^'\n]*')`;

/** What holds always, and names of modules. */
const idle = [
  new RegExp(String.raw`\bexpect\(\s*${literal}\s*\)(?:\.not)?\.\w+\(\s*(?:${literal}\s*)?\)`, "g"),
  new RegExp(
    String.raw`\b(?:assert|t|self|require)(?:\.(?!Fatal|Error|[Ff]ail)\w+){0,3}\(\s*(?:t,\s*)?${literal}(?:\s*,\s*${literal})*\s*\)`,
    "g",
  ),
  new RegExp(String.raw`\bassert[ \t]+${literal}(?:[ \t]*==[ \t]*${literal})?[ \t]*$`, "gm"),
  /^[ \t]*(?:import|from)\b.*|\brequire\(\s*["'][^"']*["']\s*\)/gm,
];

const slash = /\/\*[\s\S]*?(?:\*\/|$)|(?<![:"'`])\/\/.*/g;
const hash = /(?<!["'])#.*/g;

/** `words` assert by themselves, `calls` by being called. */
const languages: Record<string, { comment: RegExp; words: RegExp; calls: RegExp }> = {
  js: {
    comment: slash,
    words: /\b(?:throw|exitCode|should)\b/,
    calls:
      /^t\.|expect|assert|should|must|fail|exit|reject|verif|check|ensure|validat|equal|same|match|snapshot|ok|deny|contain|include|toBe/i,
  },
  py: {
    comment: hash,
    words: /\b(?:assert|raise)\b/,
    calls: /assert|expect|fail|exit|raises|verif|check|ensure|validat|should|must|match/i,
  },
  go: {
    comment: slash,
    words: /\bpanic\b/,
    calls: /\.(?:Error|Fatal|Fail)|assert|require|expect|must|check|verif|should|exit|diff/i,
  },
};

function languageOf(path: string): (typeof languages)[string] | undefined {
  const [, ending = ""] = /\.([a-z]+)$/i.exec(path) ?? [];
  return languages[/^[cm]?[jt]sx?$/i.test(ending) ? "js" : ending.toLowerCase()];
}

export function assertsNothing(path: string, text: string): boolean {
  const language = languageOf(path);
  if (language === undefined || !named.test(path) || text.length > MAX_CHARACTERS) return false;
  const { comment, words, calls } = language;
  const code = idle.reduce((left, form) => left.replace(form, ""), text.replace(comment, ""));
  const called = code.match(/(?<![\w.])[\w.]+\s*[(`]/g) ?? [];
  return !words.test(code) && !called.some((each) => calls.test(each));
}

/** The tests without assertions that one of the commands runs. */
export function listEmptyTests(commands: readonly string[], written: ReadonlyMap<string, string>): string[] {
  const empty = [...written].filter(([path, text]) => assertsNothing(path, text)).map(([path]) => path);
  return empty.filter((path) =>
    commands.some((run) => runners.test(run) || run.includes(path.split("/").pop() ?? path)),
  );
}

/** Of the newest messages: a test is written shortly before it is run. */
const MAX_MESSAGES = 200;
const MAX_WRITTEN = 400_000;
const MAX_FILES = 50;
const MAX_NAMED = 3;

/** What to tell the model about tests that it wrote with `create_file` and that its checks run; null if there is nothing. */
export function describeEmptyTests(closed: readonly Task[], rows: readonly ModelMessage[]): string | null {
  const specs = closed.flatMap(({ checks = [] }) => checks.map(({ spec }) => spec));
  const commands = specs.flatMap((spec) => (spec.type === "command" ? [spec.run] : []));
  if (commands.length === 0) return null;
  const empty = listEmptyTests(commands, readWritten(rows.slice(-MAX_MESSAGES)));
  if (empty.length === 0) return null;
  const names = empty.slice(0, MAX_NAMED).map(quote).join(", ");
  return `${names}: you wrote this test and it asserts nothing, so a check that runs it passes whatever the code does. Give it assertions about the result, or say in your summary that the result is not tested.`;
}

/** The newest text of each file, the newest file first. */
function readWritten(rows: readonly ModelMessage[]): Map<string, string> {
  const written = new Map<string, string>();
  const calls = rows.flatMap((row) => (row.role === "assistant" ? (row.tool_calls ?? []) : []));
  let left = MAX_WRITTEN;
  for (const { function: called } of calls.toReversed()) {
    if (called.name !== "create_file") continue;
    left -= called.arguments.length;
    if (left < 0 || written.size === MAX_FILES) break;
    const input = parseJson(called.arguments);
    if (!isRecord(input) || typeof input.path !== "string" || typeof input.content !== "string") continue;
    if (!written.has(input.path)) written.set(input.path, input.content);
  }
  return written;
}
