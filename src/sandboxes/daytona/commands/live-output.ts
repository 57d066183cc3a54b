// Live output of a command from repeated readings of its whole log: passes on what an earlier reading had not yet, in few
// and small pieces, and no more than a limit, so that `yes` can't flood the stream of a run.
import type { OnOutput } from "../../../agent/sandbox.ts";
import type { StreamName } from "./command-log.ts";

/** Readers take an event at a time; a piece this large is still drawn at once. */
const PIECE_CHARACTERS = 16 * 1024;

/** Streams that alternate line by line would make an event of each line: then their order is given up. */
const MAX_PIECES = 16;

interface Piece {
  stream: StreamName;
  text: string;
}

export class LiveOutput {
  readonly #onOutput: OnOutput;
  readonly #limit: number;
  #delivered = 0;
  #position = 0;
  #pieces: Piece[] = [];

  constructor(onOutput: OnOutput, limit_characters: number) {
    this.#onOutput = onOutput;
    this.#limit = limit_characters;
  }

  /** Nothing more will be shown. */
  get is_spent(): boolean {
    return this.#delivered >= this.#limit;
  }

  get has_begun(): boolean {
    return this.#delivered > 0;
  }

  /** Before each reading, which starts at the log's first character. */
  rewind(): void {
    this.#position = 0;
    this.#pieces = [];
  }

  push(stream: StreamName, text: string): void {
    const known = Math.max(0, Math.min(text.length, this.#delivered - this.#position));
    this.#position += text.length;
    const gathered = this.#pieces.reduce((sum, piece) => sum + piece.text.length, 0);
    const fresh = text.slice(known, known + Math.max(0, this.#limit - this.#delivered - gathered));
    if (fresh === "") return;
    const last = this.#pieces.at(-1);
    if (last?.stream === stream) last.text += fresh;
    else this.#pieces.push({ stream, text: fresh });
  }

  /** After a reading. While more may come, an unfinished character at the end waits for its rest. */
  flush(mayGrow: boolean): void {
    const last = this.#pieces.at(-1);
    if (mayGrow && last) last.text = last.text.replace(/\ufffd+$/, "");
    const pieces = this.#pieces.length > MAX_PIECES ? mergeByStream(this.#pieces) : this.#pieces;
    this.#pieces = [];
    for (const { stream, text } of pieces) {
      for (let start = 0; start < text.length; start += PIECE_CHARACTERS) {
        this.#onOutput(stream, text.slice(start, start + PIECE_CHARACTERS));
      }
      this.#delivered += text.length;
    }
    if (pieces.length > 0 && this.is_spent) this.#onOutput("stderr", "\n[live output ends here]\n");
  }
}

function mergeByStream(pieces: Piece[]): Piece[] {
  const texts = { stdout: "", stderr: "" };
  for (const { stream, text } of pieces) texts[stream] += text;
  return [
    { stream: "stdout" as const, text: texts.stdout },
    { stream: "stderr" as const, text: texts.stderr },
  ].filter(({ text }) => text !== "");
}
