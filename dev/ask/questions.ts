// Questions of an interrupted run, answered at the keyboard.
import { createInterface } from "node:readline/promises";
import type { AgUiInterrupt } from "../../src/protocol/event.ts";
import type { InterruptAnswer } from "../../src/protocol/thread.ts";
import { plain } from "./width.ts";

/** An empty answer, and the end of the input, leave a question unanswered: the run goes on without. */
export async function answerQuestions(interrupts: AgUiInterrupt[], signal: AbortSignal): Promise<InterruptAnswer[]> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const closed = new AbortController();
  terminal.once("close", () => closed.abort());
  // Ctrl-C goes where it goes everywhere else in this program.
  terminal.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    const answers: InterruptAnswer[] = [];
    for (const interrupt of interrupts) {
      const choices = readChoices(interrupt);
      console.log(`\n? ${plain(interrupt.message ?? "")}`);
      for (const [index, choice] of choices.entries()) console.log(`  ${index + 1}) ${plain(choice)}`);
      const watched = AbortSignal.any([signal, closed.signal]);
      const text = await terminal.question("> ", { signal: watched }).catch(() => "");
      signal.throwIfAborted();
      answers.push(readAnswer(interrupt.id, text.trim(), choices));
    }
    return answers;
  } finally {
    terminal.close();
  }
}

export function readAnswer(id: string, text: string, choices: string[]): InterruptAnswer {
  if (text === "") return { interrupt_id: id, status: "cancelled" };
  const choice = /^\d{1,2}$/.test(text) ? choices[Number(text) - 1] : undefined;
  return { interrupt_id: id, status: "resolved", payload: choice ?? text };
}

export function readChoices({ responseSchema }: AgUiInterrupt): string[] {
  const choices = responseSchema?.enum;
  return Array.isArray(choices) ? choices.filter((choice) => typeof choice === "string") : [];
}
