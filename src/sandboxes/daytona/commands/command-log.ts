// Reads a command's log in Daytona's format: three bytes of value 1 before text from stdout, three bytes of value 2
// before text from stderr, and in each stream the wrapper's end marker. A mark of the same form ended a line that the
// daemon held back. Pieces may end anywhere.
import { HELD_MARK } from "./command-line.ts";

export type StreamName = "stdout" | "stderr";

export type OnText = (stream: StreamName, text: string) => void;

/** The longest end marker: name, colon and exit code between two separators. */
const MAX_TOKEN_CHARACTERS = 160;

/** Another session's end marker is text. */
const TOKEN = new RegExp(
  `\x01{3}|\x02{3}|\x1e([^\x1e:]{1,${MAX_TOKEN_CHARACTERS}}):(\\d{1,3}|${HELD_MARK})\x1e\n`,
  "g",
);

export class CommandLog {
  /** The wrapper prints the exit code on both streams. The output is complete when both have it. */
  readonly exit_codes = new Map<StreamName, number>();
  readonly #session: string;
  readonly #endMarker: string;
  readonly #onText: OnText;
  #stream: StreamName = "stdout";
  #rest = "";

  constructor(session: string, onText: OnText) {
    this.#session = session;
    this.#endMarker = `\x1e${session}:`;
    this.#onText = onText;
  }

  push(text: string): void {
    this.#take(this.#rest + text);
    const held = startOfToken(this.#rest);
    this.#emit(this.#rest.slice(0, held));
    this.#rest = this.#rest.slice(held);
  }

  /** The reading is over: held-back text is output, unless it is part of an end marker. */
  end(): void {
    const isEndMarker = this.#rest.startsWith(this.#endMarker) || this.#endMarker.startsWith(this.#rest);
    if (!isEndMarker) this.#emit(this.#rest);
    this.#rest = "";
  }

  /** Null until the first end marker. */
  get exit_code(): number | null {
    return this.exit_codes.get("stdout") ?? this.exit_codes.get("stderr") ?? null;
  }

  get is_complete(): boolean {
    return this.exit_codes.size === 2;
  }

  #take(text: string): void {
    let start = 0;
    // Every line has a stream marker, and few change the stream: consecutive text of a stream is emitted together.
    let gathered = "";
    for (const match of text.matchAll(TOKEN)) {
      const [token, session, word] = match;
      if (session !== undefined && session !== this.#session) continue;
      gathered += text.slice(start, match.index);
      start = match.index + token.length;
      const isEnd = word !== undefined && word !== HELD_MARK;
      if (isEnd) this.exit_codes.set(this.#stream, Number(word));
      const stream = word !== undefined ? this.#stream : token.startsWith("\x01") ? "stdout" : "stderr";
      if (stream === this.#stream) continue;
      this.#emit(gathered);
      gathered = "";
      this.#stream = stream;
    }
    this.#emit(gathered);
    this.#rest = text.slice(start);
  }

  #emit(text: string): void {
    // NUL ends strings in many consumers of the output, and a lone surrogate is not valid text.
    if (text !== "") this.#onText(this.#stream, text.replaceAll("\0", "\ufffd").toWellFormed());
  }
}

/** Where a token may begin that the next piece completes. */
function startOfToken(text: string): number {
  const window = text.slice(-MAX_TOKEN_CHARACTERS);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the format of the log
  const partial = /(?:\x01{1,2}|\x02{1,2}|\x1e[^\n\x01\x02]{0,160}(?:\x01{1,2}|\x02{1,2})?)$/.exec(window);
  if (partial) return text.length - window.length + partial.index;
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.length - 1 : text.length;
}
