// A new section with its first task.
import { type FormEvent, type KeyboardEvent, useState } from "react";
import { Button } from "../parts/button.tsx";
import { TextField } from "../parts/field.tsx";
import { useWords } from "../state/words.ts";
import styles from "./plan-panel.module.css";
import { maxTaskCharacters } from "./task-row.tsx";
import { words } from "./words.ts";

/** The server's limit. */
const maxTitleCharacters = 200;

export function AddSection({ onAdd, onLeave }: { onAdd: (title: string, task: string) => void; onLeave: () => void }) {
  const said = useWords(words);
  const [title, setTitle] = useState("");
  const [task, setTask] = useState("");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (title.trim() !== "" && task.trim() !== "") onAdd(title.trim(), task.trim());
  };
  const press = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || event.nativeEvent.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    onLeave();
  };
  return (
    <form className={styles.form} onSubmit={submit} onKeyDown={press}>
      <TextField
        label={said.sectionTitle}
        required
        // The person has just asked for this field, so it takes the focus.
        autoFocus
        dir="auto"
        maxLength={maxTitleCharacters}
        value={title}
        onChange={(event) => setTitle(event.target.value)}
      />
      <TextField
        label={said.firstTask}
        required
        dir="auto"
        maxLength={maxTaskCharacters}
        value={task}
        onChange={(event) => setTask(event.target.value)}
      />
      <div className={styles.answers}>
        <Button look="quiet" onClick={onLeave}>
          {said.cancel}
        </Button>
        <Button look="primary" type="submit">
          {said.add}
        </Button>
      </div>
    </form>
  );
}
