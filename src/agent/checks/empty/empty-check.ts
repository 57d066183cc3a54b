// Recognizes checks that can't fail: they show nothing, whatever the model did. It judges the text alone and is lenient:
// what it doesn't understand may fail.
import type { CheckInput } from "../../../protocol/plan/check.ts";

/** A check never changes, and is looked at with each edit of its plan. */
const known = new WeakMap<CheckInput, string | null>();

/** What to tell the model about a check that can't fail; null if it may fail. */
export function recognizeEmpty(spec: CheckInput): string | null {
  const former = known.get(spec);
  const found = former === undefined ? judge(spec) : former;
  known.set(spec, found);
  return found;
}

function judge(spec: CheckInput): string | null {
  if (spec.type === "command") return judgeCommand(spec);
  if (spec.type === "file") return judgeFile(spec);
  return null;
}

function judgeFile({ path, exists, min_bytes, ...rest }: Extract<CheckInput, { type: "file" }>): string | null {
  const says = Object.entries(rest).some(([name, value]) => name !== "type" && value !== undefined);
  if (exists === false || says || (min_bytes ?? 0) > 0) return null;
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  const plain = `${path.startsWith("/") ? "/" : ""}${names.join("/")}`;
  if (!["", "/", ".git", "/tmp", "/etc", "/bin", "/bin/sh", "/etc/passwd"].includes(plain)) return null;
  return `${JSON.stringify(path)} always exists, so this check can't fail and shows nothing. Name a file that the task makes, and what it must contain.`;
}

function judgeCommand(spec: Extract<CheckInput, { type: "command" }>): string | null {
  const lines = splitCommand(spec.run);
  const last = lines.at(-1);
  if (last === undefined) return null;
  const end = constantExit(last, lines);
  if (end === null || end.code !== (spec.exit_code ?? 0)) return null;
  const said = echoed(lines);
  const isSaid = spec.contains === undefined || said.some((text) => text.includes(spec.contains ?? ""));
  // Only what a command prints by itself is known. Anything else may lack the text, or have it.
  const isOpen = !isSaid || spec.matches !== undefined || spec.excludes !== undefined;
  if (isOpen) return null;
  const why = spec.contains === undefined ? "" : " and prints the text itself";
  return `\`${spec.run.slice(0, 100).toWellFormed()}\` ends with ${end.code} whatever happens${end.because}${why}, so this check can't fail and shows nothing. Give a command whose exit code depends on the work, such as the project's tests.`;
}

interface Segment {
  words: string[];
  /** How it is joined to the segment before it. */
  joint: "" | ";" | "&&" | "||" | "|" | "&";
}

/**
 * The pieces of a command line, with quotes removed; empty if it is more than a list of commands. A substitution is a
 * word like others.
 */
function splitCommand(command: string): Segment[] {
  const [, braced, grouped] = /^(?:\{\s([^{}]*)\}|\(([^()]*)\))$/.exec(command.trim()) ?? [];
  const inner = braced ?? grouped;
  if (inner !== undefined) return splitCommand(inner);
  const segments: Segment[] = [];
  let words: string[] = [];
  let joint: Segment["joint"] = "";
  let end = 0;
  const close = (next: Segment["joint"]) => {
    if (words.length > 0) segments.push({ words, joint });
    words = [];
    joint = next;
  };
  const pieces =
    /[^\S\n]*(?:(\n|;+|&&|\|\||\|&?|&(?![>\d]))|((?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s;&|"'\\]|&[>\d])+))/gsy;
  for (const match of command.matchAll(pieces)) {
    const [whole, sign, word] = match;
    end = match.index + whole.length;
    if (word !== undefined) words.push(unquote(word));
    else if (sign !== undefined) close(jointOf(sign));
  }
  close("");
  const isRead = command.slice(end).trim() === "";
  return isRead && !segments.slice(0, -1).some(({ words: [first = ""] }) => mayEnd.test(first)) ? segments : [];
}

/** What may end a command line early, or decides what of it runs. */
const mayEnd = /^(?:exit|set|trap|return|exec|if|then|else|elif|while|until|for|do|case|function|\{|!.*|\(.*|.*\(\))$/;

function jointOf(sign: string): Segment["joint"] {
  if (sign === "\n" || sign.startsWith(";")) return ";";
  return sign.startsWith("|") && sign !== "||" ? "|" : (sign as Segment["joint"]);
}

function unquote(word: string): string {
  return word.replace(
    /"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/gs,
    (_, double, single, escaped) => double ?? single ?? escaped ?? "",
  );
}

/** Programs that hand on what they are given and end with 0, whatever came before them in the pipe. */
const passes = new Set(["tee", "cat", "tail", "head", "sort", "wc", "tr", "cut", "uniq", "nl"]);

function constantExit(last: Segment, all: readonly Segment[]): { code: number; because: string } | null {
  const own = constantOf(last);
  const isAlone = all.length === 1;
  if (own !== null) {
    // After `&&` it only runs if the command before it has passed, after `||` if that has failed.
    if (isAlone || last.joint === ";" || last.joint === "&") return { code: own, because: "" };
    if (last.joint === "||" && own === 0) return { code: 0, because: ` (the part after "||" hides a failure)` };
    if (last.joint === "&&") {
      const before = all.slice(0, -1);
      const former = before.at(-1);
      return former !== undefined && constantExit(former, before)?.code === 0 ? { code: own, because: "" } : null;
    }
  }
  const [program = ""] = last.words;
  const isHidden = last.joint === "|" && passes.has(program) && !all.some(({ words }) => words.includes("pipefail"));
  return isHidden ? { code: 0, because: ` (that is the exit code of ${program}, not of the command before it)` } : null;
}

/** Programs that run the rest of their words. */
const wrappers = new Set(["env", "exec", "command", "nice", "nohup", "time", "eval", "builtin", "("]);

/** The exit code of a segment that does nothing; null if it may do something. */
function constantOf({ words }: Segment): number | null {
  let [at, isNegated] = [0, false];
  for (; at < words.length - 1; at++) {
    const word = words[at] ?? "";
    if (word === "!") isNegated = !isNegated;
    else if (word === "timeout" && at < words.length - 2) at++;
    else if (!wrappers.has(nameOf(word))) break;
  }
  const code = constantProgram(words.slice(at));
  return code === null || !isNegated ? code : code === 0 ? 1 : 0;
}

function nameOf(word: string): string {
  return word.replace(/^\/(?:usr\/)?bin\//, "");
}

function constantProgram(words: readonly string[]): number | null {
  const [first = "", ...given] = words;
  const program = nameOf(first);
  const script = scriptOf(program, given);
  if (script !== null) return script;
  switch (program) {
    case "true":
    case ":":
    case "echo":
    case "printf":
    case "pwd":
    case "date":
    case "sleep":
    case "whoami":
    case "hostname":
    case "uname":
      return words.some((word) => /^\d?>|\$\(|`/.test(word)) ? null : 0;
    case "false":
      return 1;
    case "exit":
      return /^\d{1,3}$/.test(given[0] ?? "0") ? Number(given[0] ?? "0") : null;
    case "test":
      return compare(given);
    case "[":
      return given.at(-1) === "]" ? compare(given.slice(0, -1)) : null;
    case "[[":
      return given.at(-1) === "]]" ? compare(given.slice(0, -1)) : null;
    default:
      return null;
  }
}

const shells = new Set(["sh", "bash", "dash", "zsh", "ash"]);
const interpreters: Record<string, RegExp> = {
  node: /^(?:-e|--eval|-p|--print|-pe)$/,
  bun: /^(?:-e|--eval)$/,
  deno: /^eval$/,
  python: /^-c$/,
  python3: /^-c$/,
  ruby: /^-e$/,
  perl: /^-e$/,
};

/** Scripts in a word: of a shell, and of interpreters if they print words or do nothing at all. */
function scriptOf(program: string, given: readonly string[]): number | null {
  const shown = given.findIndex((word) => !/^-[a-z]*[^c]$/.test(word));
  if (shells.has(program)) {
    const flag = given[shown] ?? "";
    if (!/^-[a-z]*c$/.test(flag)) return null;
    const inner = splitCommand(given[shown + 1] ?? "");
    const last = inner.at(-1);
    return last === undefined ? null : (constantExit(last, inner)?.code ?? null);
  }
  const [flag = "", code, ...rest] = given;
  if (!interpreters[program]?.test(flag) || code === undefined || rest.length > 0) return null;
  const words = code.replace(
    /\b(?:console\.(?:log|info|error)|print|puts|say)\b\s*\(?\s*(?:"[^"$`]*"|'[^'$`]*'|\d+)?\s*\)?/g,
    "",
  );
  const [, exit] = /\b(?:process\.exit|sys\.exit|exit|os\._exit)\(?\s*(\d{0,3})\s*\)?/.exec(words) ?? [];
  const left = words.replace(/\b(?:process\.exit|sys\.exit|exit|os\._exit)\(?\s*\d{0,3}\s*\)?/, "");
  const nothing = left.replace(/\bimport (?:sys|os)\b|\bpass\b|\btrue\b|\bTrue\b|\bnull\b|[\s;0-9()]/g, "");
  return nothing === "" ? Number(exit || "0") : null;
}

/** Of two words that are written out. */
function compare([one = "", sign = "", other = "", ...rest]: string[]): number | null {
  if (rest.length > 0 || /[$`*?]/.test(one + other)) return null;
  if (sign === "" && other === "") return one === "" ? 1 : /^[-!]/.test(one) ? null : 0;
  if (one === "-n" && other === "") return sign === "" ? 1 : 0;
  if (one === "-z" && other === "") return sign === "" ? 0 : 1;
  if (["=", "==", "-eq"].includes(sign)) return one === other ? 0 : 1;
  if (["!=", "-ne"].includes(sign)) return one === other ? 1 : 0;
  const order = ["-lt", "-le", "-gt", "-ge"].indexOf(sign);
  const [left, right] = [Number(one), Number(other)];
  if (order >= 0 && Number.isInteger(left) && Number.isInteger(right))
    return [left < right, left <= right, left > right, left >= right][order] ? 0 : 1;
  const isFolder = other === "" && ["-e", "-d", "-r", "-x", "-s"].includes(one);
  return isFolder && ["/", ".", "..", "/tmp", "/bin", "/etc", "/usr"].includes(sign.replace(/(?<=.)\/$/, ""))
    ? 0
    : null;
}

/** What is printed by itself. Words after `&&` may not be. */
function echoed(segments: readonly Segment[]): string[] {
  return segments
    .filter(({ words, joint }) => prints(words) && joint !== "&&")
    .map(({ words }) => words.slice(1).join(" "));
}

function prints([program = "", ...given]: readonly string[]): boolean {
  if (program === "echo" || program === "printf") return true;
  const isScript = interpreters[program] !== undefined || shells.has(program);
  return isScript && scriptOf(program, given) !== null;
}
