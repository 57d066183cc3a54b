/**
 * A Dockerfile as a list of instructions: comments dropped, continued lines joined, heredocs gathered.
 */

/** What is wrong with a Dockerfile, or went wrong when it was built, in words for whoever wrote it. */
export class BuildError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "BuildError";
  }
}

export interface Instruction {
  /** In capitals. */
  name: string;
  text: string;
  /** What follows `<<WORD` up to that word, the word included. */
  heredoc?: string;
  /** Set where the text is nothing but `<<WORD`: the lines in it are the script. */
  script?: string;
}

/** Many may wait for their turn. */
export const maxDockerfileBytes = 64 * 1024;
/** Of one line with its variables put in: values that hold values multiply. */
const maxWordsLength = 256 * 1024;
const maxInstructions = 500;
const heredocPattern = /<<(-?)(["']?)([A-Za-z_][A-Za-z0-9_]*)\2/;

export function parseDockerfile(content: string): Instruction[] {
  if (Buffer.byteLength(content) > maxDockerfileBytes) {
    throw new BuildError(`the Dockerfile is larger than ${maxDockerfileBytes} bytes`);
  }
  if (content.includes("\0")) throw new BuildError("a Dockerfile can't hold a NUL byte");
  const lines = content.split(/\r?\n/);
  const instructions: Instruction[] = [];
  while (lines.length > 0) {
    const joined = takeLine(lines);
    if (joined === undefined) continue;
    const [, name = "", text = ""] = /^([A-Za-z]+)(?:\s+([\s\S]*))?$/.exec(joined) ?? [];
    if (name === "") throw new BuildError(`not an instruction: ${joined.slice(0, 100)}`);
    if (instructions.length >= maxInstructions) throw new BuildError(`more than ${maxInstructions} instructions`);
    instructions.push({ name: name.toUpperCase(), text, ...takeHeredoc(name, text, lines) });
  }
  return instructions;
}

/** One line with those that it is continued on; comments and empty lines between them don't end it. */
function takeLine(lines: string[]): string | undefined {
  const parts: string[] = [];
  for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) {
      if (parts.length === 0) return undefined;
      continue;
    }
    const continued = /\\\s*$/.test(line);
    parts.push(continued ? line.replace(/\\\s*$/, "") : line);
    if (!continued) break;
  }
  return parts.join("").trim() || undefined;
}

function takeHeredoc(name: string, text: string, lines: string[]): Partial<Instruction> {
  const match = heredocPattern.exec(text);
  if (!["RUN", "COPY", "ADD"].includes(name.toUpperCase()) || !match) return {};
  const [whole, stripsTabs, , word = ""] = match;
  const body: string[] = [];
  for (let line = lines.shift(); ; line = lines.shift()) {
    if (line === undefined) throw new BuildError(`unterminated heredoc: ${word}`);
    const plain = stripsTabs ? line.replace(/^\t+/, "") : line;
    if (plain === word) break;
    body.push(plain);
  }
  if (text.trim() === whole) return { script: `${body.join("\n")}\n` };
  return { heredoc: `${[...body, word].join("\n")}\n` };
}

/** `["a", "b"]`, or undefined where it is a line for the shell. */
export function readExecForm(text: string): string[] | undefined {
  if (!text.trim().startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === "string") ? (value as string[]) : undefined;
  } catch {
    return undefined;
  }
}

/** Words as the Dockerfile's own lines have them: quotes and backslashes taken off, variables put in. */
export function splitWords(text: string, scope: Record<string, string>): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  let added = 0;
  for (let index = 0; index < text.length; index += 1) {
    const letter = text.charAt(index);
    if (quote === "'" ? letter === "'" : letter === '"' && quote === '"') quote = "";
    else if (quote === "" && (letter === '"' || letter === "'")) {
      quote = letter;
      word ??= "";
    } else if (quote === "" && /\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (letter === "\\" && quote !== "'" && index + 1 < text.length) {
      index += 1;
      const next = text.charAt(index);
      word = `${word ?? ""}${quote === '"' && !/["\\$]/.test(next) ? "\\" : ""}${next}`;
    } else if (letter === "$" && quote !== "'") {
      const { value, length } = expandVariable(text.slice(index), scope);
      word = (word ?? "") + value;
      index += length - 1;
      added += value.length;
      if (added > maxWordsLength) throw new BuildError("the values of variables are too long");
    } else word = (word ?? "") + letter;
  }
  if (quote !== "") throw new BuildError("unterminated quote");
  if (word !== undefined) words.push(word);
  return words;
}

/** `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+alternative}`. */
function expandVariable(text: string, scope: Record<string, string>): { value: string; length: number } {
  const match = /^\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?::([-+])([^}]*))?\})/.exec(text);
  if (!match) {
    if (text.startsWith("${")) throw new BuildError(`unsupported substitution: ${text.slice(0, 40)}`);
    return { value: "$", length: 1 };
  }
  const [whole, plain, braced = "", mark, other = ""] = match;
  const known = Object.hasOwn(scope, plain ?? braced) ? (scope[plain ?? braced] ?? "") : "";
  const value = mark === "-" ? known || other : mark === "+" ? (known ? other : "") : known;
  return { value, length: whole.length };
}
