// Asks which port to open.
import { type FormEvent, useId, useState } from "react";
import { Button } from "../parts/button.tsx";
import { inputClass } from "../parts/field.tsx";
import { useWords } from "../state/words.ts";
import styles from "./preview.module.css";
import { previewWords } from "./words.ts";

function readPort(text: string): number | null {
  const port = /^\d{1,5}$/.test(text.trim()) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : null;
}

export function PortForm({
  onExpose,
  onCancel,
}: {
  onExpose: (port: number) => Promise<boolean>;
  onCancel?: () => void;
}) {
  const said = useWords(previewWords);
  const id = useId();
  const [text, setText] = useState("");
  const [isWrong, setWrong] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const send = (event: FormEvent): void => {
    event.preventDefault();
    const port = readPort(text);
    setWrong(port === null);
    if (port === null) return;
    setBusy(true);
    void onExpose(port).finally(() => setBusy(false));
  };
  return (
    <form className={styles.form} onSubmit={send} noValidate>
      <label htmlFor={id}>{said.port}</label>
      <span className={styles.portField}>
        <input
          id={id}
          className={inputClass}
          inputMode="numeric"
          autoComplete="off"
          maxLength={5}
          placeholder="3000"
          value={text}
          aria-invalid={isWrong}
          aria-describedby={`${id}-hint`}
          onChange={(event) => {
            setText(event.target.value);
            setWrong(false);
          }}
        />
      </span>
      <Button type="submit" disabled={isBusy || text.trim() === ""}>
        {isBusy ? said.exposing : said.show}
      </Button>
      {onCancel && (
        <Button look="quiet" onClick={onCancel}>
          {said.cancel}
        </Button>
      )}
      <span id={`${id}-hint`} className={isWrong ? styles.wrong : "unseen"} role={isWrong ? "alert" : undefined}>
        {isWrong ? said.portWrong : said.portHint}
      </span>
    </form>
  );
}
