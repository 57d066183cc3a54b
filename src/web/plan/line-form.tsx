// A one-line field: Enter saves, Escape cancels. Escape does not propagate, because outside it stops the run.
import { Check, X } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import { IconButton } from "../parts/button.tsx";
import { inputClass } from "../parts/field.tsx";
import { useWords } from "../state/words.ts";
import styles from "./line-form.module.css";
import { words } from "./words.ts";

export function LineForm({
  label,
  text: before = "",
  max,
  placeholder,
  onKeep,
  onLeave,
}: {
  label: string;
  text?: string;
  /** In characters. */
  max: number;
  placeholder?: string;
  /** Whether it was saved; if not, the text stays. */
  onKeep: (text: string) => Promise<boolean>;
  onLeave: () => void;
}) {
  const said = useWords(words);
  const [text, setText] = useState(before);
  const kept = text.trim();
  const keep = (): void => {
    if (kept === "") return;
    setText("");
    void onKeep(kept).then((taken) => !taken && setText((now) => now || kept));
  };
  const press = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      keep();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      onLeave();
    }
  };
  return (
    <div className={styles.line}>
      <textarea
        className={`${inputClass} ${styles.field}`}
        rows={1}
        dir="auto"
        // The person has just asked for this field, so it takes the focus.
        // biome-ignore lint/a11y/noAutofocus: see above
        autoFocus
        aria-label={label}
        placeholder={placeholder}
        maxLength={max}
        value={text}
        onFocus={({ currentTarget }) => currentTarget.setSelectionRange(before.length, before.length)}
        onChange={(event) => setText(event.target.value.replace(/(?<!\s)\s*\n\s*/g, " "))}
        onKeyDown={press}
      />
      <IconButton
        small
        look="primary"
        icon={Check}
        label={before === "" ? said.add : said.save}
        disabled={kept === ""}
        onClick={keep}
      />
      <IconButton small icon={X} label={said.cancel} onClick={onLeave} />
    </div>
  );
}
