// Recognizes a test that the model wrote and that asserts nothing: whoever runs it sees a pass, whatever the code does. It
// judges the text alone and is lenient: a word that may be an assertion, such as `verify(…)`, is taken for one.
import { isRecord } from "../../../lib/is-record.ts";
import type { CheckInput } from "../../../protocol/plan/check.ts";
import type { Task } from "../../../protocol/plan/task.ts";
import { parseJson } from "../../calls/leniency.ts";
import type { ModelMessage } from "../../model.ts";
import { quote } from "../../plan/text.ts";

const named =
  /(?:^|\/)(?:tests?|__tests__|specs?)\/|[._-](?:test|spec|tests)\.[a-z]+$|(?:^|\/)test_[^/]+$|_(?:test|spec)\.[a-z]+$/i;

/** Commands that run all tests of a project. */
const runners =
  /\b(?:(?:npm|pnpm|yarn|bun)(?: run)? (?:t|test)\b|vitest|jest|mocha|ava|node --test|deno test|bun test|pytest|unittest|go test|cargo test|rspec|phpunit|make (?:test|check)\b)/;

const literal = String.raw`(?:true|false|null|None|True|False|-?\d+(?:\.\d+)?|"[^"\n]*"|'[^'\n]*')`;

/** What holds always. */
const idle = [
  new RegExp(String.raw`\bexpect\(\s*${literal}\s*\)(?:\.not)?\.\w+\(\s*(?:${literal})?\s*\)`, "g"),
  new RegExp(
    String.raw`\b(?:assert|t|self|require)(?:\.(?!Fatal|Error|[Ff]ail)\w+)*\(\s*(?:t,\s*)?${literal}(?:\s*,\s*${literal})*\s*\)`,
    "g",
  ),
  new RegExp(String.raw`\bassert\s+${literal}(?:\s*==\s*${literal})?\s*$`, "gm"),
];

const comments: Record<string, RegExp> = {
  slash: /\/\*[\s\S]*?\*\/|(?<![:"'`])\/\/.*$/gm,
  hash: /(?<!["'])#.*$/gm,
};

const languages: Record<string, { comment: "slash" | "hash"; asserts: RegExp }> = {
  js: {
    comment: "slash",
    asserts:
      /\b(?:throw|exitCode)\b|(?:expect|assert|should|must|fail|exit|reject|verif|check|ensure|validat|equal|same|match|snapshot|ok|deny|contain|includes?|toBe)\w*\s*(?:\(|`)|\.should\b|\bt\.\w+\(/i,
  },
  py: {
    comment: "hash",
    asserts:
      /\bassert\b|\braise\b|(?:assert|expect|fail|exit|raises|verif|check|ensure|validat|should|must|match)\w*\s*\(/i,
  },
  go: {
    comment: "slash",
    asserts:
      /\b\w+\.(?:Error|Fatal|Fail)\w*\(|(?:assert|require|expect|must|check|verif|should|panic|exit|diff)\w*(?:\.\w+)?\s*\(/i,
  },
};

function languageOf(path: string): (typeof languages)[string] | undefined {
  const [, ending = ""] = /\.([a-z]+)$/i.exec(path) ?? [];
  return languages[/^[cm]?[jt]sx?$/i.test(ending) ? "js" : ending.toLowerCase()];
}

export function assertsNothing(path: string, text: string): boolean {
  const language = languageOf(path);
  if (language === undefined || !named.test(path)) return false;
  const code = idle.reduce((left, form) => left.replace(form, ""), text.replace(comments[language.comment] ?? "", ""));
  return !language.asserts.test(code.replace(/^\s*(?:import|from)\b.*$|\brequire\(\s*["'][^"']*["']\s*\)/gm, ""));
}

/** The tests without assertions that a check runs, of files by path; the newest text of each. */
export function listEmptyTests(spec: CheckInput, written: ReadonlyMap<string, string>): string[] {
  if (spec.type !== "command") return [];
  const runsAll = runners.test(spec.run);
  return [...written].flatMap(([path, text]) => {
    const isRun = runsAll || spec.run.includes(path) || spec.run.includes(path.split("/").pop() ?? path);
    return isRun && assertsNothing(path, text) ? [path] : [];
  });
}

/** Of the newest messages: a test is written shortly before it is run. */
const MAX_MESSAGES = 200;
const MAX_NAMED = 3;

/** What to tell the model about tests that it wrote with `create_file` and that its checks run; null if there is nothing. */
export function describeEmptyTests(closed: readonly Task[], rows: readonly ModelMessage[]): string | null {
  const commands = closed.flatMap(({ checks = [] }) => checks.filter(({ spec }) => spec.type === "command"));
  if (commands.length === 0) return null;
  const written = readWritten(rows.slice(-MAX_MESSAGES));
  const empty = new Set(commands.flatMap(({ spec }) => listEmptyTests(spec, written)));
  if (empty.size === 0) return null;
  const names = [...empty].slice(0, MAX_NAMED).map(quote).join(", ");
  return `${names}: you wrote this test and it asserts nothing, so a check that runs it passes whatever the code does. Give it assertions about the result, or say in your summary that the result is not tested.`;
}

function readWritten(rows: readonly ModelMessage[]): Map<string, string> {
  const written = new Map<string, string>();
  for (const row of rows)
    for (const { function: called } of (row.role === "assistant" ? row.tool_calls : undefined) ?? []) {
      if (called.name !== "create_file") continue;
      const input = parseJson(called.arguments);
      if (!isRecord(input) || typeof input.path !== "string" || typeof input.content !== "string") continue;
      written.set(input.path, input.content);
    }
  return written;
}
