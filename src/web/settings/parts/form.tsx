// A form: its fields, its error, and the buttons that save and cancel.
import { type FormEvent, type InputHTMLAttributes, type ReactNode, useId } from "react";
import { Button } from "../../parts/button.tsx";
import { ProblemNotice } from "../../parts/notice.tsx";
import { useWords } from "../../state/words.ts";
import type { Action } from "../use-action.ts";
import { words } from "../words.ts";
import styles from "./form.module.css";

/** Enter sends a form from each of its fields, so its end may be out of sight. */
export function InSight({ children }: { children: ReactNode }) {
  return <div ref={scrollIntoView}>{children}</div>;
}

function scrollIntoView(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: "nearest" });
}

export function Form({
  action,
  submit,
  onSubmit,
  onCancel,
  frame = "none",
  children,
}: {
  action: Action;
  /** The button's label. */
  submit: string;
  onSubmit: () => void;
  onCancel: () => void;
  /** Above a list it has a box of its own; in a row of one, the list's border is enough. */
  frame?: "none" | "box" | "row";
  children: ReactNode;
}) {
  const said = useWords(words);
  const send = (event: FormEvent): void => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <form className={`${styles.form} ${styles[frame]}`} onSubmit={send}>
      {children}
      {action.problem && (
        <InSight>
          <ProblemNotice problem={action.problem} />
        </InSight>
      )}
      <div className={styles.buttons}>
        <Button onClick={onCancel}>{said.cancel}</Button>
        <Button look="primary" type="submit" disabled={action.isBusy}>
          {submit}
        </Button>
      </div>
    </form>
  );
}

/** Fields that belong side by side where there is room. */
export function Beside({ children }: { children: ReactNode }) {
  return <div className={styles.beside}>{children}</div>;
}

/** Choices under one label. */
export function Choices({ label, children }: { label: string; children: ReactNode }) {
  return (
    <fieldset className={styles.choices}>
      <legend>{label}</legend>
      {children}
    </fieldset>
  );
}

/** A check box, or a radio button with `type="radio"`. */
export function Check({
  label,
  hint,
  type = "checkbox",
  ...rest
}: InputHTMLAttributes<HTMLInputElement> & { label: string; hint?: string; type?: "checkbox" | "radio" }) {
  const id = useId();
  return (
    <div className={styles.check}>
      <input {...rest} type={type} id={id} aria-describedby={hint ? `${id}-hint` : undefined} />
      <label htmlFor={id}>{label}</label>
      {hint && (
        <p id={`${id}-hint`} className={styles.hint}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** Fields that few people need. */
export function Advanced({ label, children }: { label: string; children: ReactNode }) {
  return (
    <details className={styles.advanced}>
      <summary>{label}</summary>
      <div className={styles.inside}>{children}</div>
    </details>
  );
}

/** The actions on the shown item. */
export function Bar({ children }: { children: ReactNode }) {
  return <div className={styles.bar}>{children}</div>;
}
