// Reads lines from the terminal, each after a prompt.
import { createInterface } from "node:readline/promises";

export interface Keyboard {
  say(line: string): void;
  /** Null when the input has ended. */
  ask(prompt: string): Promise<string | null>;
}

export async function withKeyboard<T>(signal: AbortSignal, act: (keyboard: Keyboard) => Promise<T>): Promise<T> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const closed = new AbortController();
  terminal.once("close", () => closed.abort());
  // Handles Ctrl-C as everywhere else in this program.
  terminal.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const watched = AbortSignal.any([signal, closed.signal]);
  try {
    return await act({
      say: (line) => console.log(line),
      ask: async (prompt) => {
        const text = await terminal.question(prompt, { signal: watched }).catch(() => null);
        signal.throwIfAborted();
        return text === null ? null : text.trim();
      },
    });
  } finally {
    terminal.close();
  }
}
