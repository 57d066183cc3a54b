// What the parts of a form share: one part for each thing that is asked, and a form that sends them together.
import { createContext, useContext, useLayoutEffect } from "react";
import type { InterruptAnswer } from "../../protocol/thread.ts";

/** What sending the form says about one part; null while the person has not decided. */
export type Reading = () => InterruptAnswer | null;

export interface FormValue {
  /** Whether nothing else is asked: then the part has buttons of its own, and the form has none. */
  lone: boolean;
  /** Answers at once; for a lone part. */
  give(answer: InterruptAnswer): void;
  readings: Map<string, Reading>;
}

export const FormContext = createContext<FormValue | null>(null);

export function useForm(): FormValue {
  const form = useContext(FormContext);
  if (form === null) throw new Error("a part stands in a form");
  return form;
}

/** Tells the form how this part is read as it stands now. */
export function useReading(id: string, read: Reading): void {
  const { readings } = useForm();
  useLayoutEffect(() => {
    readings.set(id, read);
  });
}
