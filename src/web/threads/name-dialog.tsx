// Asks for a name.
import { type FormEvent, useState } from "react";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { TextField } from "../parts/field.tsx";
import { useWords } from "../state/words.ts";
import styles from "./dialogs.module.css";
import { words } from "./words.ts";

/** The server's limit. */
export const maxNameCharacters = 500;

export function NameDialog({
  title,
  name: before = "",
  hint,
  yes,
  onName,
  onClose,
}: {
  title: string;
  name?: string;
  hint?: string;
  yes: string;
  onName: (name: string) => Promise<boolean>;
  onClose: () => void;
}) {
  const said = useWords(words);
  const [name, setName] = useState(before);
  const [isDoing, setDoing] = useState(false);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (name.trim() === "") return;
    setDoing(true);
    await onName(name.trim());
    onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form className={styles.form} onSubmit={(event) => void submit(event)}>
        <TextField
          label={said.name}
          hint={hint}
          required
          autoFocus
          dir="auto"
          maxLength={maxNameCharacters}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <div className={styles.answers}>
          <Button onClick={onClose}>{said.cancel}</Button>
          <Button look="primary" type="submit" disabled={isDoing}>
            {yes}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
