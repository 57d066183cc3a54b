// Recognizes checks that can't fail: they show nothing, whatever the model did. It judges the text alone and is lenient:
// what it doesn't understand may fail.
import type { CheckInput } from "../../protocol/plan/check.ts";

/** What to tell the model about a check that can't fail; null if it may fail. */
export function recognizeEmpty(spec: CheckInput): string | null {
  if (spec.type === "command") return judgeCommand(spec);
  if (spec.type === "file") return judgeFile(spec);
  return null;
}

function judgeFile({ path, exists, min_bytes, ...rest }: Extract<CheckInput, { type: "file" }>): string | null {
  const says = Object.entries(rest).some(([name, value]) => name !== "type" && value !== undefined);
  if (exists === false || says || (min_bytes ?? 0) > 0) return null;
  const plain = path.replace(/\/+$/, "").replace(/^(?:\.\/)+/, "");
  if (!["", ".", "/", ".git", "/tmp", "/etc", "/bin", "/bin/sh", "/etc/passwd"].includes(plain)) return null;
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

/** The exit code of a segment that does nothing; null if it may do something. */
function constantOf({ words }: Segment): number | null {
  const [program = "", ...given] = words;
  switch (program.replace(/^\/(?:usr\/)?bin\//, "")) {
    case "true":
    case ":":
    case "echo":
    case "printf":
    case "pwd":
    case "date":
    case "sleep":
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

/** Of two words that are written out. */
function compare([one = "", sign = "", other = "", ...rest]: string[]): number | null {
  if (rest.length > 0 || /[$`*?]/.test(one + other)) return null;
  if (sign === "" && other === "") return one === "" ? 1 : /^[-!]/.test(one) ? null : 0;
  if (one === "-n" && other === "") return sign === "" ? 1 : 0;
  if (one === "-z" && other === "") return sign === "" ? 0 : 1;
  if (["=", "==", "-eq"].includes(sign)) return one === other ? 0 : 1;
  if (["!=", "-ne"].includes(sign)) return one === other ? 1 : 0;
  return null;
}

function echoed(segments: readonly Segment[]): string[] {
  return segments
    .filter(({ words: [program], joint }) => (program === "echo" || program === "printf") && joint !== "&&")
    .map(({ words }) => words.slice(1).join(" "));
}
