// Fields with label and hint, linked for screen readers.
import {
  type InputHTMLAttributes,
  type ReactNode,
  type Ref,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from "react";
import styles from "./field.module.css";

interface Labelled {
  label: string;
  hint?: ReactNode;
}

export function TextField({
  label,
  hint,
  ...rest
}: Labelled & InputHTMLAttributes<HTMLInputElement> & { ref?: Ref<HTMLInputElement> }) {
  return (
    <Labelling label={label} hint={hint}>
      {(ids) => <input {...rest} {...ids} className={styles.input} />}
    </Labelling>
  );
}

export function TextArea({ label, hint, ...rest }: Labelled & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  return (
    <Labelling label={label} hint={hint}>
      {(ids) => <textarea {...rest} {...ids} className={styles.input} />}
    </Labelling>
  );
}

export function Select({ label, hint, children, ...rest }: Labelled & SelectHTMLAttributes<HTMLSelectElement>) {
  return (
    <Labelling label={label} hint={hint}>
      {(ids) => (
        <select {...rest} {...ids} className={styles.input}>
          {children}
        </select>
      )}
    </Labelling>
  );
}

/** For a field that stands alone, with a label for screen readers only. */
export const inputClass = styles.input;

function Labelling({
  label,
  hint,
  children,
}: Labelled & { children: (ids: { id: string; "aria-describedby"?: string }) => ReactNode }) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label className={styles.label} htmlFor={id}>
        {label}
      </label>
      {children({ id, "aria-describedby": hint ? `${id}-hint` : undefined })}
      {hint && (
        <p id={`${id}-hint`} className={styles.hint}>
          {hint}
        </p>
      )}
    </div>
  );
}
