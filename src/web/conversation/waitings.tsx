// Messages that wait below the conversation: until a run takes one, it can be edited, removed or sent now.
import { CornerDownLeft, Pencil, Trash2 } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import { useMay } from "../app/may.tsx";
import { Button, IconButton } from "../parts/button.tsx";
import { inputClass } from "../parts/field.tsx";
import type { Inbox } from "../state/inbox.ts";
import type { Waiting } from "../state/thread-view.ts";
import { defineWords, useWords } from "../state/words.ts";
import styles from "./waitings.module.css";

const words = defineWords(
  {
    steering: "Told at the next step",
    queued: "Waits for its turn",
    sendNow: "Send now",
    edit: "Edit",
    remove: "Remove",
    save: "Save",
    cancel: "Cancel",
    message: "Waiting message",
  },
  {
    steering: "将在下一步告知",
    queued: "排队等待",
    sendNow: "立即发送",
    edit: "编辑",
    remove: "移除",
    save: "保存",
    cancel: "取消",
    message: "等待中的消息",
  },
);

export function Waitings({ waiting, inbox }: { waiting: Waiting[]; inbox: Inbox }) {
  return waiting.map((message) => <WaitingRow key={message.id} message={message} inbox={inbox} />);
}

function WaitingRow({ message, inbox }: { message: Waiting; inbox: Inbox }) {
  const said = useWords(words);
  const [isEditing, setEditing] = useState(false);
  const mayRun = useMay("run");
  const { id, text, mode, isSent, isCut } = message;
  return (
    <div className={styles.waiting} data-waiting={mode}>
      {isEditing ? (
        <EditForm text={text} onSave={(next) => void inbox.edit(id, next)} onLeave={() => setEditing(false)} />
      ) : (
        <div className={styles.text} dir="auto">
          {text}
        </div>
      )}
      {!isEditing && (
        <div className={styles.foot}>
          <small>{mode === "steer" ? said.steering : said.queued}</small>
          {/* The server can change only what it has. */}
          {isSent && mayRun && (
            <>
              {mode === "enqueue" && (
                <IconButton small label={said.sendNow} icon={CornerDownLeft} onClick={() => void inbox.sendNow(id)} />
              )}
              {!isCut && <IconButton small label={said.edit} icon={Pencil} onClick={() => setEditing(true)} />}
              <IconButton small label={said.remove} icon={Trash2} onClick={() => void inbox.remove(id)} />
            </>
          )}
        </div>
      )}
    </div>
  );
}

function EditForm({
  text: before,
  onSave,
  onLeave,
}: {
  text: string;
  onSave: (text: string) => void;
  onLeave: () => void;
}) {
  const said = useWords(words);
  const [text, setText] = useState(before);
  const isEmpty = text.trim() === "";
  const save = (): void => {
    if (isEmpty) return;
    if (text !== before) onSave(text);
    onLeave();
  };
  const press = (event: KeyboardEvent): void => {
    const { isComposing, keyCode } = event.nativeEvent;
    if (isComposing || keyCode === 229) return;
    // Here it stops the edit, and not the run.
    if (event.key === "Escape") event.preventDefault();
    if (event.key === "Escape") onLeave();
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    save();
  };
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <textarea
        className={`${inputClass} ${styles.box}`}
        aria-label={said.message}
        // biome-ignore lint/a11y/noAutofocus: a click on "Edit" asks for it
        autoFocus
        dir="auto"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={press}
      />
      <div className={styles.foot}>
        <Button small onClick={onLeave}>
          {said.cancel}
        </Button>
        <Button small look="primary" type="submit" disabled={isEmpty}>
          {said.save}
        </Button>
      </div>
    </form>
  );
}
