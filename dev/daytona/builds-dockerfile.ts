/**
 * Parses a Dockerfile into instructions: drops comments, joins continued lines, collects heredocs.
 */

/** A Dockerfile that is invalid or failed to build. The message is for its author. */
export class BuildError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "BuildError";
  }
}

export interface Instruction {
  /** Upper case. */
  name: string;
  text: string;
  /** The lines after `<<WORD` up to and including WORD. */
  heredoc?: string;
  /** Set where the instruction is nothing but `<<WORD`: the heredoc's lines are the script. */
  script?: string;
}

/** Many Dockerfiles may be queued in memory. */
export const maxDockerfileBytes = 64 * 1024;
/** The limit of one line after substitution: variables whose values contain variables multiply. */
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

/** Takes one line together with its continuation lines. Comments and empty lines in between don't end it. */
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

/** The items of `["a", "b"]`; undefined where the text is a line for the shell. */
export function readExecForm(text: string): string[] | undefined {
  if (!text.trim().startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === "string") ? (value as string[]) : undefined;
  } catch {
    return undefined;
  }
}

/** Splits a line into words as Dockerfiles do: removes quotes and backslashes, substitutes variables. */
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

/** Expands `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+alternative}`. */
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
