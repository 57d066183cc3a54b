// Asks at the terminal. What is typed for a secret is not shown, and no arrow key brings it back.
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

export interface Terminal {
  /** Null when the input has ended. */
  ask(prompt: string, options?: { isSecret?: boolean }): Promise<string | null>;
  say(line: string): void;
}

export async function withTerminal<T>(act: (terminal: Terminal) => Promise<T>): Promise<T> {
  let isHidden = false;
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!isHidden) process.stdout.write(chunk);
      done();
    },
  });
  const lines = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
  const closed = new AbortController();
  lines.once("close", () => closed.abort());
  lines.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    return await act({
      say: (line) => console.log(line),
      async ask(prompt, { isSecret = false } = {}) {
        if (isSecret) process.stdout.write(prompt);
        isHidden = isSecret;
        const text = await lines.question(isSecret ? "" : prompt, { signal: closed.signal }).catch(() => null);
        isHidden = false;
        if (isSecret) process.stdout.write("\n");
        return text?.trim() ?? null;
      },
    });
  } finally {
    lines.close();
  }
}
