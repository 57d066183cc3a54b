// What the parts of a form share: one part for each question, and a form that sends them together.
import { createContext, useContext, useLayoutEffect } from "react";
import type { InterruptAnswer } from "../../protocol/thread.ts";

/** What the form sends for one part; null while the person has not decided. */
export type Reading = () => InterruptAnswer | null;

export interface FormValue {
  /** Whether it is the only question: then the part has its own buttons, and the form has none. */
  lone: boolean;
  /** Answers at once; for a single question. */
  give(answer: InterruptAnswer): void;
  readings: Map<string, Reading>;
}

export const FormContext = createContext<FormValue | null>(null);

export function useForm(): FormValue {
  const form = useContext(FormContext);
  if (form === null) throw new Error("a part of a form is outside of a form");
  return form;
}

/** Reports this part's current answer to the form. */
export function useReading(id: string, read: Reading): void {
  const { readings } = useForm();
  useLayoutEffect(() => {
    readings.set(id, read);
  });
}
