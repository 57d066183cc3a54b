// Reads a command's log in Daytona's format: three bytes 1 before what came from stdout, three bytes 2 before what came
// from stderr, and somewhere in each stream the wrapper's word that the command has ended. Pieces may end anywhere.

export type StreamName = "stdout" | "stderr";

export type OnText = (stream: StreamName, text: string) => void;

/** The longest end-of-command word: name, colon and exit code between two separators. */
const MAX_TOKEN_CHARACTERS = 160;

export class CommandLog {
  /** Said by the wrapper on stdout and on stderr; the output is complete once both have said it. */
  readonly exit_codes = new Map<StreamName, number>();
  readonly #token: RegExp;
  readonly #word: string;
  readonly #onText: OnText;
  #stream: StreamName = "stdout";
  #rest = "";

  constructor(session: string, onText: OnText) {
    this.#token = new RegExp(`\x01\x01\x01|\x02\x02\x02|\x1e${session}:(\\d{1,3})\x1e\n`, "g");
    this.#word = `\x1e${session}:`;
    this.#onText = onText;
  }

  push(text: string): void {
    this.#take(this.#rest + text);
    const held = beginOfToken(this.#rest);
    this.#tell(this.#rest.slice(0, held));
    this.#rest = this.#rest.slice(held);
  }

  /** No more is coming for now: what looked like the begin of a token is output, unless it is half of the wrapper's word. */
  end(): void {
    const isWord = this.#rest.startsWith(this.#word) || this.#word.startsWith(this.#rest);
    if (!isWord) this.#tell(this.#rest);
    this.#rest = "";
  }

  /** Null while the wrapper has not spoken. */
  get exit_code(): number | null {
    return this.exit_codes.get("stdout") ?? this.exit_codes.get("stderr") ?? null;
  }

  get is_complete(): boolean {
    return this.exit_codes.size === 2;
  }

  #take(text: string): void {
    let start = 0;
    // Every line has a mark, and few change the stream: what belongs together is told together.
    let gathered = "";
    for (const match of text.matchAll(this.#token)) {
      gathered += text.slice(start, match.index);
      start = match.index + match[0].length;
      if (match[1] !== undefined) this.exit_codes.set(this.#stream, Number(match[1]));
      const stream = match[1] !== undefined ? this.#stream : match[0].startsWith("\x01") ? "stdout" : "stderr";
      if (stream === this.#stream) continue;
      this.#tell(gathered);
      gathered = "";
      this.#stream = stream;
    }
    this.#tell(gathered);
    this.#rest = text.slice(start);
  }

  #tell(text: string): void {
    // NUL ends strings in too many places that output goes to, and half of a surrogate pair is no text.
    if (text !== "") this.#onText(this.#stream, text.replaceAll("\0", "\ufffd").toWellFormed());
  }
}

/** Where a token may have begun that the next piece completes. */
function beginOfToken(text: string): number {
  const window = text.slice(-MAX_TOKEN_CHARACTERS);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the format of the log
  const partial = /(?:\x01{1,2}|\x02{1,2}|\x1e[^\n\x01\x02]*(?:\x01{1,2}|\x02{1,2})?)$/.exec(window);
  if (partial) return text.length - window.length + partial.index;
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.length - 1 : text.length;
}
