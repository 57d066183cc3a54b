// Confirms a deletion. It stays open while that is in progress, and shows a failure.
import { useState } from "react";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { useWords } from "../state/words.ts";
import styles from "./dialogs.module.css";
import { words } from "./words.ts";

export function AskDialog({
  title,
  text,
  onYes,
  onClose,
}: {
  title: string;
  text: string;
  /** Whether it succeeded. */
  onYes: () => Promise<boolean>;
  onClose: () => void;
}) {
  const said = useWords(words);
  const [isDoing, setDoing] = useState(false);
  const act = async (): Promise<void> => {
    setDoing(true);
    // The list shows a failure.
    await onYes();
    onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <p className={styles.text}>{text}</p>
      <div className={styles.answers}>
        <Button onClick={onClose}>{said.cancel}</Button>
        <Button look="danger" disabled={isDoing} onClick={() => void act()}>
          {said.remove}
        </Button>
      </div>
    </Dialog>
  );
}
