// What a program does once nobody reads its output: `npm run deploy | head -3` closes the pipe after three lines. Node
// then reports EPIPE for the next line, and without a listener prints a stack.
import type { Writable } from "node:stream";

export interface Outputs {
  stdout: Writable;
  stderr: Writable;
}

/** Calls `end`, at most once, with what was wrong: null if a reader has left, else why a line can't be written. */
export function watchReader(end: (problem: string | null) => void, { stdout, stderr }: Outputs = process): void {
  let isOver = false;
  const watch = (stream: Writable, name: string): void => {
    stream.on("error", ({ code, message }: NodeJS.ErrnoException) => {
      if (isOver) return;
      isOver = true;
      end(code === "EPIPE" || code === "ERR_STREAM_DESTROYED" ? null : `${name} can't be written: ${message}`);
    });
  };
  watch(stdout, "the output");
  watch(stderr, "the error output");
}

/** The program ends without a word. `leave` is what it does before. */
export function endWithReader(leave: () => void = () => {}): void {
  watchReader((problem) => {
    leave();
    if (problem !== null) console.error(problem);
    process.exit(1);
  });
}

/** For a server: it stays, also for others than its reader. */
export function outliveReader(): void {
  watchReader(() => {});
}
