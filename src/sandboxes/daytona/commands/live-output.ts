// Live output of a command from repeated readings of its whole log. Emits only the text that is new since the last
// reading, in few and small pieces, up to a limit, so that `yes` can't flood a run's stream.
import type { OnOutput } from "../../../agent/sandbox.ts";
import type { StreamName } from "./command-log.ts";

/** Clients render one event at a time, and render a piece of this size without delay. */
const PIECE_CHARACTERS = 16 * 1024;

/**
 * Streams that alternate line by line would make one event per line. Above this number the pieces are merged by stream.
 */
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
  /** Characters of the pieces. */
  #gathered = 0;

  constructor(onOutput: OnOutput, limit_characters: number) {
    this.#onOutput = onOutput;
    this.#limit = limit_characters;
  }

  /** The limit is reached. */
  get is_spent(): boolean {
    return this.#delivered >= this.#limit;
  }

  get has_begun(): boolean {
    return this.#delivered > 0;
  }

  /** Call before each reading, which starts at the log's first character. */
  rewind(): void {
    this.#position = 0;
    this.#pieces = [];
    this.#gathered = 0;
  }

  push(stream: StreamName, text: string): void {
    const known = Math.max(0, Math.min(text.length, this.#delivered - this.#position));
    this.#position += text.length;
    const fresh = text.slice(known, known + Math.max(0, this.#limit - this.#delivered - this.#gathered));
    if (fresh === "") return;
    this.#gathered += fresh.length;
    const last = this.#pieces.at(-1);
    if (last?.stream === stream) last.text += fresh;
    else this.#pieces.push({ stream, text: fresh });
  }

  /** Call after each reading. While the log may grow, an incomplete character at the end is held back. */
  flush(mayGrow: boolean): void {
    const last = this.#pieces.at(-1);
    if (mayGrow && last) last.text = last.text.replace(/(?<!\ufffd)\ufffd+$/, "");
    const pieces = this.#pieces.length > MAX_PIECES ? mergeByStream(this.#pieces) : this.#pieces;
    this.#pieces = [];
    this.#gathered = 0;
    for (const { stream, text } of pieces) {
      for (let start = 0; start < text.length; start += PIECE_CHARACTERS) {
        this.#onOutput(stream, text.slice(start, start + PIECE_CHARACTERS));
      }
      this.#delivered += text.length;
    }
    if (pieces.length > 0 && this.is_spent) this.#onOutput("stderr", "\n[live output ends here]\n");
  }

  /** A note of ours, which is no part of the output. */
  note(text: string): void {
    this.#onOutput("stderr", `\n[${text}]\n`);
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
