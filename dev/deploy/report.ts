// What the commands print: one line for each step, as it is made.
import { Failure } from "./failure.ts";

export interface Report {
  done(step: string, text: string): void;
  /** A step that takes long has begun. */
  begins(step: string, text: string): void;
  /** A step that a dry run leaves out. */
  would(step: string, text: string): void;
  note(text: string): void;
  say(line: string): void;
}

export function openReport(print: (line: string) => void): Report {
  const line = (mark: string, step: string, text: string) =>
    print(`  ${mark} ${step.padEnd(11)} ${text.split("\n").join(`\n${" ".repeat(16)}`)}`);
  return {
    done: (step, text) => line("✓", step, text),
    begins: (step, text) => line("·", step, text),
    would: (step, text) => line("→", step, text),
    note: (text) => line("!", "note", text),
    say: print,
  };
}

/** A failure is shown with the step's name. */
export async function runStep<T>(step: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof Failure) error.step ??= step;
    throw error;
  }
}
