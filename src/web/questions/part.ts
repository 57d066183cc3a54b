// What the parts of a form share: one part for each thing that is asked, and a form that sends them together.
import type { InterruptAnswer } from "../../protocol/thread.ts";

export interface Part {
  node: HTMLElement;
  /** What sending the form says about this one; null while the person has not decided. */
  read(): InterruptAnswer | null;
}

export interface PartContext {
  /** Whether nothing else is asked: then the part has buttons of its own, and the form has none. */
  lone: boolean;
  /** Answers at once; for a lone part. */
  give(answer: InterruptAnswer): void;
}
