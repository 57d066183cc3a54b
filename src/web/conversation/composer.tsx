// The composer. While a run works, a message either reaches it at its next step or waits for its turn.
import { ArrowUp, Square } from "lucide-react";
import { type KeyboardEvent, type ReactNode, type Ref, useId, useImperativeHandle, useRef, useState } from "react";
import { prepareTurns } from "../client/live-turn.ts";
import { IconButton } from "../parts/button.tsx";
import { drafts, setDraft } from "../state/drafts.ts";
import { useStore } from "../state/store.ts";
import type { Waiting } from "../state/thread-view.ts";
import { useWords } from "../state/words.ts";
import styles from "./composer.module.css";
import { words } from "./words.ts";

export interface ComposerHandle {
  focus(): void;
}

export function Composer({
  draft,
  busy,
  onSend,
  onStop,
  children,
  ref,
}: {
  /** The label of the field. */
  draft: string;
  busy: boolean;
  onSend: (text: string, mode: Waiting["mode"]) => void;
  onStop: () => void;
  /** Before the hint below the field: whom the message goes to. */
  children?: ReactNode;
  ref?: Ref<ComposerHandle>;
}) {
  const said = useWords(words);
  const id = useId();
  const box = useRef<HTMLTextAreaElement>(null);
  const text = useStore(drafts, (all) => all[draft] ?? "");
  const [mode, setMode] = useState<Waiting["mode"]>("steer");
  useImperativeHandle(ref, () => ({ focus: () => box.current?.focus() }), []);
  const isEmpty = text.trim() === "";
  const send = (): void => {
    if (isEmpty) return;
    setDraft(draft, "");
    onSend(text, mode);
  };
  const press = (event: KeyboardEvent): void => {
    // Enter that selects among an input method's candidates sends nothing.
    const { isComposing, keyCode } = event.nativeEvent;
    // Safari ends the composition before it sends that Enter, and marks it with this code.
    if (event.key !== "Enter" || event.shiftKey || isComposing || keyCode === 229) return;
    event.preventDefault();
    send();
  };
  return (
    <form
      className={styles.composer}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label className="unseen" htmlFor={id}>
        {said.message}
      </label>
      <textarea
        ref={box}
        id={id}
        rows={1}
        dir="auto"
        className={styles.box}
        value={text}
        placeholder={busy ? said.placeholderBusy : said.placeholder}
        onChange={(event) => setDraft(draft, event.target.value)}
        onKeyDown={press}
        onFocus={prepareTurns}
      />
      <div className={styles.foot}>
        {children}
        {busy && !isEmpty ? <ModeChoice mode={mode} onChoose={setMode} /> : <p className={styles.hint}>{said.keys}</p>}
        {busy && <IconButton label={said.stop} icon={Square} look={isEmpty ? "primary" : "plain"} onClick={onStop} />}
        {(!busy || !isEmpty) && (
          <IconButton label={said.send} icon={ArrowUp} look="primary" type="submit" disabled={isEmpty} />
        )}
      </div>
    </form>
  );
}

function ModeChoice({ mode, onChoose }: { mode: Waiting["mode"]; onChoose: (mode: Waiting["mode"]) => void }) {
  const said = useWords(words);
  const name = useId();
  const modes = [
    { value: "steer", label: said.steer, hint: said.steerHint },
    { value: "enqueue", label: said.queue, hint: said.queueHint },
  ] as const;
  return (
    <fieldset className={styles.modes}>
      {modes.map(({ value, label, hint }) => (
        <label key={value} className={styles.mode} title={hint}>
          <input type="radio" name={name} checked={mode === value} onChange={() => onChoose(value)} />
          {label}
        </label>
      ))}
    </fieldset>
  );
}
