// A person's note beside a yes or no. The agent reads it unchanged.
import { inputClass } from "./field.tsx";

/** A few sentences. The server cuts longer ones. */
const maxCharacters = 1_000;

interface NoteFieldProps {
  label: string;
  className: string | undefined;
  note: string;
  onChange: (note: string) => void;
}

export function NoteField({ label, className, note, onChange }: NoteFieldProps) {
  return (
    <input
      type="text"
      dir="auto"
      className={`${inputClass} ${className}`}
      maxLength={maxCharacters}
      placeholder={label}
      aria-label={label}
      value={note}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
