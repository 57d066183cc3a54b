/**
 * Parses a Dockerfile and executes its instructions one by one. There are no images here: the content of a base image is
 * missing, which the log says, and commands run over the sandbox's own folder.
 */
import { resolve } from "node:path";
import { isVariableName } from "./keeper/settings.ts";
import type { Image } from "./sandboxes.ts";

/** A Dockerfile that is invalid or failed to build. The message is for its author. */
export class BuildError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "BuildError";
  }
}

interface Instruction {
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

export interface BuildTools {
  /** Runs a shell command in the sandbox, writes its output to the log, and returns the exit code. */
  run(command: string, place: { cwd: string; variables: Record<string, string> }): Promise<number>;
  log(text: string): void;
}

interface Progress {
  image: Image;
  /** The command that runs RUN lines. */
  shell: string[];
  /** Values of ARG: visible to commands during the build, not to processes of the sandbox. */
  parameters: Record<string, string>;
  tools: BuildTools;
}

/** The environment that scripts take for granted; a line such as `ENV PATH=/x:$PATH` extends it. */
const ground = {
  PATH: "/opt/daytona/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/home/daytona",
};
/** Builds have no network, and npm and pip would retry for minutes. */
const offline = { npm_config_fetch_retries: "0", PIP_RETRIES: "0" };
const plainShell = ["/bin/sh", "-c"];
const maxEnvironmentBytes = 64 * 1024;

type Step = (text: string, progress: Progress, instruction: Instruction) => Promise<void> | void;

const steps: Record<string, Step> = {
  FROM: (text, { tools }) => {
    const [image = ""] = text.split(/\s+/).filter((word) => !word.startsWith("--"));
    if (image === "") throw new BuildError("FROM needs an image");
    tools.log(` ---> this server has no images: the sandbox's own system stands in for ${image}\n`);
  },
  ARG: (text, progress) => {
    for (const word of splitWords(text, scopeOf(progress))) {
      const [name, value] = splitPair(word);
      progress.parameters[checkName(name)] = value ?? "";
    }
    boundVariables(progress);
  },
  ENV: (text, progress) => {
    for (const [name, value] of readPairs(text, scopeOf(progress))) progress.image.env[checkName(name)] = value;
    boundVariables(progress);
  },
  WORKDIR: enterFolder,
  RUN: runCommand,
  ENTRYPOINT: (text, { image, tools }) => {
    image.entrypoint = readExecForm(text) ?? ["/bin/sh", "-c", text];
    tools.log(" ---> stored, but not run: sandboxes of this server run only the commands they receive\n");
  },
  CMD: (_text, { tools }) => tools.log(" ---> not run: sandboxes of this server run only the commands they receive\n"),
  USER: (_text, { tools }) => tools.log(" ---> commands run as daytona all the same\n"),
  LABEL: (text, progress) => void readPairs(text, scopeOf(progress)),
  EXPOSE: () => {},
  MAINTAINER: () => {},
  STOPSIGNAL: () => {},
  SHELL: (text, progress) => {
    const shell = readExecForm(text);
    if (!shell?.length) throw new BuildError('SHELL needs a list, such as ["/bin/bash", "-c"]');
    progress.shell = shell;
  },
  ONBUILD: (_text, { tools }) => tools.log(" ---> ignored: no image is built on top of this one\n"),
  HEALTHCHECK: (_text, { tools }) => tools.log(" ---> not run\n"),
  VOLUME: (_text, { tools }) => tools.log(" ---> no volume is made\n"),
  COPY: refuseContext,
  ADD: refuseContext,
};

export async function carryOut(instructions: Instruction[], tools: BuildTools): Promise<Image> {
  const first = instructions.find(({ name }) => name !== "ARG");
  if (first?.name !== "FROM") throw new BuildError("a Dockerfile begins with FROM");
  if (instructions.filter(({ name }) => name === "FROM").length > 1) {
    throw new BuildError("several stages (FROM more than once) are not supported by this server");
  }
  const progress: Progress = { image: { env: {} }, shell: plainShell, parameters: {}, tools };
  for (const [index, instruction] of instructions.entries()) {
    const { name, text } = instruction;
    tools.log(`Step ${index + 1}/${instructions.length} : ${name} ${text}\n`);
    const step = Object.hasOwn(steps, name) ? steps[name] : undefined;
    if (!step) throw new BuildError(`unknown instruction: ${name.slice(0, 40)}`);
    await step(text, progress, instruction);
  }
  return progress.image;
}

function scopeOf({ image, parameters }: Progress): Record<string, string> {
  return { ...ground, ...parameters, ...image.env };
}

function boundVariables(progress: Progress): void {
  const bytes = Buffer.byteLength(JSON.stringify(scopeOf(progress)));
  if (bytes > maxEnvironmentBytes) throw new BuildError(`variables hold more than ${maxEnvironmentBytes} bytes`);
}

function checkName(name: string): string {
  if (!isVariableName(name)) throw new BuildError(`not the name of a variable: ${name.slice(0, 100)}`);
  return name;
}

function splitPair(word: string): [name: string, value: string | undefined] {
  const index = word.indexOf("=");
  return index < 0 ? [word, undefined] : [word.slice(0, index), word.slice(index + 1)];
}

/** Reads `A=1 B=2`, or the old form: one name, and the rest of the line as its value. */
function readPairs(text: string, scope: Record<string, string>): [name: string, value: string][] {
  const [, name = "", rest = ""] = /^([^\s=]+)\s+([\s\S]*)$/.exec(text) ?? [];
  if (name !== "") return [[name, splitWords(rest, scope).join(" ")]];
  return splitWords(text, scope).map((word) => {
    const [key, value] = splitPair(word);
    if (value === undefined) throw new BuildError(`${key.slice(0, 100)} has no value`);
    return [key, value];
  });
}

async function enterFolder(text: string, progress: Progress): Promise<void> {
  const given = splitWords(text, scopeOf(progress)).join(" ");
  if (given === "") throw new BuildError("WORKDIR needs a path");
  const path = resolve(progress.image.workDir ?? ground.HOME, given);
  if (path !== ground.HOME && path !== "/tmp") {
    const command = `mkdir -p -- ${quote(path)} && test -w ${quote(path)}`;
    const code = await progress.tools.run(command, { cwd: ground.HOME, variables: {} });
    if (code !== 0) {
      throw new BuildError(
        `WORKDIR ${path}: the system's folders (/usr, /etc and such) can't be written to on this server`,
      );
    }
  }
  progress.image.workDir = path;
}

/**
 * The command gets its own process group, which ends with the group's first process. As in docker, a command left
 * running in the background neither outlives its step nor holds up the build.
 */
const runAlone = "set -m";
const endAlone = 'pid=$!; wait "$pid"; code=$?; kill -KILL -- "-$pid" 2>/dev/null; exit "$code"';

async function runCommand(text: string, progress: Progress, instruction: Instruction): Promise<void> {
  const { image, shell, parameters, tools } = progress;
  const bare = text.replace(/^(?:--(?:mount|network|security)=\S+\s+)*/, "");
  const words = readExecForm(bare);
  const line = instruction.script ?? (words ? words.map(quote).join(" ") : bare);
  const interpreter = (words ? plainShell : shell).map(quote).join(" ");
  const script = instruction.heredoc === undefined ? line : `${line}\n${instruction.heredoc}`;
  const code = await tools.run(`${runAlone}\n${interpreter} ${quote(script)} </dev/null & ${endAlone}`, {
    cwd: image.workDir ?? ground.HOME,
    variables: { ...offline, ...parameters, ...image.env },
  });
  if (code !== 0) {
    tools.log(" ---> commands of a build have neither the network nor root's rights on this server\n");
    // The wording is docker's.
    throw new BuildError(`The command '/bin/sh -c ${line.slice(0, 300).trim()}' returned a non-zero code: ${code}`);
  }
}

function refuseContext(_text: string, _progress: Progress, { name }: Instruction): void {
  throw new BuildError(
    `${name} is not supported by this server: a build has no files of its own here (a RUN with a heredoc can write one)`,
  );
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
