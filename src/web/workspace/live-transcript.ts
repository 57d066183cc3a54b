// The agent's commands and their output as terminal text. Each call gets the conversation and returns only what must be
// written in addition.
import type { Item } from "../client/conversation.ts";
import { describeCall } from "../client/tool-title.ts";

type ToolItem = Extract<Item, { kind: "tool" }>;

export interface TranscriptWords {
  running: string;
  exit(code: string): string;
  failed: string;
  background: string;
  /** Titles of calls other than that of a command. */
  tools: Record<string, string>;
}

interface Written {
  isBegun: boolean;
  output: string;
  isEnded: boolean;
}

const [faint, bold, red, cyan, plain] = ["\x1b[90m", "\x1b[1m", "\x1b[31m", "\x1b[36m", "\x1b[0m"];

/** Resets whatever mode a program left the terminal in, so that the next one starts clean. */
const calm = "\x1b[?47l\x1b[!p\x1b[0m\x1b[?25l";

export class LiveTranscript {
  readonly #words: TranscriptWords;
  readonly #written = new Map<string, Written>();
  #current: string | null = null;
  #isLineOpen = false;

  constructor(words: TranscriptWords) {
    this.#words = words;
  }

  advance(items: readonly Item[]): string {
    let text = "";
    for (const item of items) if (isCommand(item)) text += this.#advanceItem(item);
    return text;
  }

  #advanceItem(item: ToolItem): string {
    const written = this.#written.get(item.id) ?? { isBegun: false, output: "", isEnded: false };
    this.#written.set(item.id, written);
    if (written.isEnded) return "";
    const command = readCommand(item);
    // A call whose arguments are still arriving does nothing yet.
    if (!written.isBegun && command === null && item.output === "" && item.result === null) return "";
    let text = "";
    if (!written.isBegun) {
      written.isBegun = true;
      text += this.#endLine() + this.#sayHead(item, command);
      this.#current = item.id;
    }
    const more = this.#readMore(item, written);
    if (more !== "" && this.#current !== item.id) {
      text += `${this.#endLine()}${faint}↳ ${clean(command ?? item.name, 80)}${plain}\n`;
      this.#current = item.id;
    }
    if (more !== "") this.#isLineOpen = !more.endsWith("\n");
    text += more;
    if (item.result !== null || !item.open) {
      written.isEnded = true;
      text += this.#endLine() + this.#sayEnd(item);
    }
    return text;
  }

  #endLine(): string {
    const wasOpen = this.#isLineOpen;
    this.#isLineOpen = false;
    return wasOpen ? "\r\n" : "";
  }

  #sayHead(item: ToolItem, command: string | null): string {
    if (item.name === "execute_command") {
      const [first = "", ...others] = clean(command ?? "", 4_000).split("\n");
      const lines = [`${cyan}$${plain} ${bold}${first}${plain}`, ...others.map((line) => `${cyan}>${plain} ${line}`)];
      return `${lines.join("\n")}\n`;
    }
    const { verb, subject } = describeCall(item.name, item.arguments);
    return `${faint}# ${this.#words.tools[verb] ?? verb} ${clean(subject, 120)}${plain}\n`;
  }

  #readMore(item: ToolItem, written: Written): string {
    const whole = item.result === null ? null : readBody(item.result);
    // Output that was not seen live is in the result. Of output that was seen, the result may be a shortened copy.
    const isSeen = item.output !== "" && !(whole ?? "").startsWith(item.output);
    const next = whole === null || isSeen ? item.output : whole;
    if (whole !== null && written.output !== "" && !next.startsWith(written.output) && next !== item.output) return "";
    const more = addedTo(written.output, next);
    written.output = next;
    return more;
  }

  #sayEnd({ result }: ToolItem): string {
    if (result === null) return `${calm}\n`;
    const code = /^exit_code: (-?\d+)/.exec(result)?.[1];
    if (code !== undefined) {
      return `${calm}${code === "0" ? faint : red}└ ${this.#words.exit(code)}${plain}\n\n`;
    }
    if (result.startsWith("still running")) return `${calm}${faint}└ ${this.#words.background}${plain}\n\n`;
    if (/^(error|interrupted)\b/i.test(result)) return `${calm}${red}└ ${this.#words.failed}${plain}\n\n`;
    return `${calm}\n`;
  }
}

export function isCommand(item: Item): item is ToolItem {
  return item.kind === "tool" && item.name.includes("command");
}

function readCommand({ name, arguments: given }: ToolItem): string | null {
  try {
    const value: unknown = JSON.parse(given);
    if (typeof value !== "object" || value === null) return null;
    const command = (value as Record<string, unknown>).command;
    return typeof command === "string" ? command : name;
  } catch {
    return null;
  }
}

/** Without the line that says how it ended. */
function readBody(result: string): string {
  const body = result.replace(/^(?:exit_code: -?\d+|still running [^\n]*)\n/, "");
  return body === "(no output)" ? "" : body;
}

/**
 * What `now` has beyond `before`, whose beginning may have been dropped: the end of `before` is then the beginning of
 * `now`. The longest overlap is taken, so that less is shown twice.
 */
export function addedTo(before: string, now: string): string {
  if (now.startsWith(before)) return now.slice(before.length);
  const tail = before.slice(-now.length);
  const combined = `${now}\u0000${tail}`;
  const fits = new Uint32Array(combined.length);
  for (let place = 1, fit = 0; place < combined.length; place += 1) {
    while (fit > 0 && combined[place] !== combined[fit]) fit = fits[fit - 1] ?? 0;
    if (combined[place] === combined[fit]) fit += 1;
    fits[place] = fit;
  }
  return now.slice(fits.at(-1) ?? 0);
}

/** A model's text must not contain control sequences. */
function clean(text: string, max: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  const plainText = text.replace(/\r\n?/g, "\n").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
  return plainText.length > max ? `${plainText.slice(0, max)}…` : plainText;
}
