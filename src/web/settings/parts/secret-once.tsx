// A secret that the server answers once. It lives in the component that was given it, and nowhere else.
import { useEffect, useRef } from "react";
import { CopyButton } from "../../conversation/copy-button.tsx";
import { Button } from "../../parts/button.tsx";
import { useWords } from "../../state/words.ts";
import { words } from "../words.ts";
import styles from "./secret-once.module.css";

export function SecretOnce({ name, secret, onDone }: { name: string; secret: string; onDone: () => void }) {
  const said = useWords(words);
  const box = useRef<HTMLDivElement>(null);
  // The form that asked for it is gone, and this is what was waited for.
  useEffect(() => box.current?.focus(), []);
  return (
    <div ref={box} tabIndex={-1} className={styles.box} role="status">
      <p className={styles.name}>{name}</p>
      <CopyField text={secret} label={`${said.copy}: ${name}`} />
      <div className={styles.foot}>
        <p>{said.once}</p>
        <Button small onClick={onDone}>
          {said.done}
        </Button>
      </div>
    </div>
  );
}

/** A text to be taken elsewhere, whole and with one press. */
export function CopyField({ text, label }: { text: string; label?: string }) {
  return (
    <div className={styles.field}>
      <code className={styles.text}>{text}</code>
      <CopyButton text={text} label={label} />
    </div>
  );
}
