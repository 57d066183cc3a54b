// Buttons that ask a turn again, edit its message, or continue after a stop. Loaded after the page.
import { Pencil, Play, RefreshCw } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { Button, IconButton } from "../parts/button.tsx";
import { inputClass } from "../parts/field.tsx";
import { defineWords, useWords } from "../state/words.ts";
import styles from "./again.module.css";
import type { Again } from "./again-context.ts";

const words = defineWords(
  {
    regenerate: "Regenerate",
    edit: "Edit message",
    field: "Edit your message",
    replaces: "Replaces what follows.",
    send: "Send",
    cancel: "Cancel",
    goOn: "Continue",
  },
  {
    regenerate: "重新生成",
    edit: "编辑消息",
    field: "编辑你的消息",
    replaces: "发送后将替换其后的内容。",
    send: "发送",
    cancel: "取消",
    goOn: "继续",
  },
);

export function Regenerate({ turn, again }: { turn: string; again: Again }) {
  const said = useWords(words);
  return <IconButton small label={said.regenerate} icon={RefreshCw} onClick={() => again.regenerate(turn)} />;
}

export function Edit({ id, again }: { id: string; again: Again }) {
  const said = useWords(words);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (again.left.current !== id) return;
    again.left.current = null;
    button.current?.focus();
  }, [again, id]);
  return (
    <span className={styles.edit}>
      <IconButton ref={button} small label={said.edit} icon={Pencil} onClick={() => again.setEditing(id)} />
    </span>
  );
}

export function EditForm({ id, text: before, again }: { id: string; text: string; again: Again }) {
  const said = useWords(words);
  const hint = useId();
  const [text, setText] = useState(again.typed.get(id) ?? before);
  const isSame = text.trim() === "" || text === before;
  const type = (next: string): void => {
    again.typed.set(id, next);
    setText(next);
  };
  const leave = (): void => {
    again.typed.delete(id);
    again.left.current = id;
    again.setEditing(null);
  };
  const send = (): void => {
    if (isSame) return;
    again.typed.delete(id);
    again.setEditing(null);
    again.edit(id, text);
  };
  const press = (event: KeyboardEvent): void => {
    const { isComposing, keyCode } = event.nativeEvent;
    if (isComposing || keyCode === 229) return;
    if (event.key === "Escape") {
      event.preventDefault();
      leave();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    }
  };
  return (
    <form
      className={styles.form}
      data-editing
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        className={`${inputClass} ${styles.box}`}
        aria-label={said.field}
        aria-describedby={hint}
        // biome-ignore lint/a11y/noAutofocus: a click on "Edit message" asks for it
        autoFocus
        dir="auto"
        value={text}
        onFocus={(event) => event.target.setSelectionRange(text.length, text.length)}
        onChange={(event) => type(event.target.value)}
        onKeyDown={press}
      />
      <div className={styles.foot}>
        <small id={hint}>{said.replaces}</small>
        <Button small onClick={leave}>
          {said.cancel}
        </Button>
        <Button small look="primary" type="submit" disabled={isSame}>
          {said.send}
        </Button>
      </div>
    </form>
  );
}

/** The agent continues with the task that is due. */
export function GoOn({ onSend }: { onSend: (text: string, mode: "enqueue") => void }) {
  const { goOn } = useWords(words);
  return (
    <Button small icon={Play} onClick={() => onSend(goOn, "enqueue")}>
      {goOn}
    </Button>
  );
}
