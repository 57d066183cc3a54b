// One conversation in the list: its title, its state, and its actions.
import { Ellipsis, Pencil, Trash2 } from "lucide-react";
import { type KeyboardEvent, memo, useState } from "react";
import type { ThreadWithRun } from "../../protocol/thread.ts";
import { useApp } from "../app/context.ts";
import { May } from "../app/may.tsx";
import { words as frame } from "../app/words.ts";
import { inputClass } from "../parts/field.tsx";
import { Menu, MenuItem } from "../parts/menu.tsx";
import { useFocusBack } from "../parts/use-focus-back.ts";
import { go } from "../state/place.ts";
import { useWords } from "../state/words.ts";
import { AskDialog } from "./ask-dialog.tsx";
import { maxNameCharacters } from "./name-dialog.tsx";
import { RunMark } from "./run-mark.tsx";
import styles from "./thread-row.module.css";
import { words } from "./words.ts";

export const ThreadRow = memo(function ThreadRow({ row, isOpen }: { row: ThreadWithRun; isOpen: boolean }) {
  const said = useWords(words);
  const { untitled } = useWords(frame);
  const { threads } = useApp();
  const { place, isFieldOpen, isDue, open, leave } = useFocusBack<HTMLLIElement>();
  const [isAsking, setAsking] = useState(false);
  const title = row.title ?? untitled;
  const remove = async (): Promise<boolean> => {
    const done = await threads.remove(row.thread_id);
    if (done && isOpen) go({ thread: null });
    return done;
  };
  if (isFieldOpen) {
    return (
      <li ref={place}>
        <TitleField
          title={row.title ?? ""}
          onKeep={(next) => void threads.rename(row.thread_id, next)}
          onLeave={leave}
        />
      </li>
    );
  }
  return (
    <li ref={place} className={styles.row} data-open={isOpen || undefined}>
      <button
        type="button"
        className={styles.title}
        // biome-ignore lint/a11y/noAutofocus: it has it where the field above had it
        autoFocus={isDue}
        aria-current={isOpen ? "page" : undefined}
        onClick={() => go({ thread: row.thread_id })}
      >
        <span className={styles.words} dir="auto" title={title}>
          {title}
        </span>
        <RunMark run={row.last_run} />
      </button>
      <May scope="write">
        <span className={styles.menu}>
          <Menu
            icon={Ellipsis}
            label={said.actionsOf(title)}
            items={
              <>
                <MenuItem icon={Pencil} onClick={open}>
                  {said.rename}
                </MenuItem>
                <MenuItem icon={Trash2} tone="danger" onClick={() => setAsking(true)}>
                  {said.remove}
                </MenuItem>
              </>
            }
          />
        </span>
      </May>
      {isAsking && (
        <AskDialog
          title={said.removeThread}
          text={said.removeThreadAsk(title)}
          onYes={remove}
          onClose={() => setAsking(false)}
        />
      )}
    </li>
  );
});

/** Enter, or leaving the field, saves the title; Escape cancels, and stops no run. */
function TitleField({
  title,
  onKeep,
  onLeave,
}: {
  title: string;
  onKeep: (title: string) => void;
  onLeave: () => void;
}) {
  const said = useWords(words);
  const [text, setText] = useState(title);
  const keep = (): void => {
    const next = text.trim();
    if (next !== "" && next !== title) onKeep(next);
    onLeave();
  };
  const press = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter") keep();
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    onLeave();
  };
  return (
    <input
      className={`${inputClass} ${styles.field}`}
      // The person has just asked for this field, so it takes the focus.
      // biome-ignore lint/a11y/noAutofocus: see above
      autoFocus
      dir="auto"
      aria-label={said.title}
      maxLength={maxNameCharacters}
      value={text}
      onFocus={(event) => event.target.select()}
      onChange={(event) => setText(event.target.value)}
      onBlur={keep}
      onKeyDown={press}
    />
  );
}
