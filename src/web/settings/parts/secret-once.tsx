// A secret that the server returns once. Only the component that receives it holds it.
import { type ReactNode, useEffect, useRef } from "react";
import { CopyButton } from "../../conversation/copy-button.tsx";
import { Button } from "../../parts/button.tsx";
import { useWords } from "../../state/words.ts";
import { words } from "../words.ts";
import styles from "./secret-once.module.css";

export function SecretOnce({
  name,
  secret,
  onDone,
  children,
}: {
  name: string;
  secret: string;
  onDone: () => void;
  /** What else follows from it. */
  children?: ReactNode;
}) {
  const said = useWords(words);
  const box = useRef<HTMLDivElement>(null);
  // The form is gone, and this is its result.
  useEffect(() => box.current?.focus(), []);
  return (
    <div ref={box} tabIndex={-1} className={styles.box} role="status">
      <p className={styles.name}>{name}</p>
      <CopyField text={secret} label={`${said.copy}: ${name}`} />
      {children}
      <div className={styles.foot}>
        <p>{said.once}</p>
        <Button small onClick={onDone}>
          {said.done}
        </Button>
      </div>
    </div>
  );
}

/** A text to copy whole with one click. */
export function CopyField({ text, label }: { text: string; label?: string }) {
  return (
    <div className={styles.field}>
      <code className={styles.text}>{text}</code>
      <CopyButton text={text} label={label} />
    </div>
  );
}
