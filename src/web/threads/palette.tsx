// Finds a conversation by its name, or an action (⌘K, Ctrl+K): a field that keeps the focus, and a list in which the
// arrow keys choose and Enter opens.
import { Dialog } from "@base-ui/react/dialog";
import { Search } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { useApp } from "../app/context.ts";
import { useSections } from "../app/use-sections.ts";
import { words as frame } from "../app/words.ts";
import { words as settingsWords } from "../settings/words.ts";
import { preferences } from "../state/preferences.ts";
import { useStore } from "../state/store.ts";
import { useWords } from "../state/words.ts";
import styles from "./palette.module.css";
import { type Entry, listEntries } from "./palette-entries.ts";
import { RunMark } from "./run-mark.tsx";
import { words } from "./words.ts";

export function Palette({ onClose }: { onClose: () => void }) {
  const own = useWords(words);
  const general = useWords(frame);
  const settings = useWords(settingsWords);
  const { threads } = useApp();
  const { threads: rows, isReadingMore } = useStore(threads.view);
  const chosen = useStore(preferences);
  const id = useId();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const entries = listEntries(typed, rows, chosen, useSections(), { own, general, settings });
  const place = Math.min(at, entries.length - 1);
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => void threads.all(), [threads]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is chosen now is to be seen
  useLayoutEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [place, typed]);
  const act = (entry: Entry | undefined): void => {
    if (!entry) return;
    onClose();
    entry.act();
  };
  const press = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing || entries.length === 0) return;
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setAt((place + step + entries.length) % entries.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      act(entries[place]);
    }
  };
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup className={styles.popup}>
          <Dialog.Title className="unseen">{own.findLabel}</Dialog.Title>
          <div className={styles.field}>
            <Search size={17} aria-hidden="true" />
            <input
              role="combobox"
              dir="auto"
              autoComplete="off"
              spellCheck={false}
              aria-label={own.find}
              aria-expanded="true"
              aria-controls={`${id}-list`}
              aria-activedescendant={entries[place] ? `${id}-${place}` : undefined}
              placeholder={own.find}
              value={typed}
              onChange={(event) => {
                setTyped(event.target.value);
                setAt(0);
              }}
              onKeyDown={press}
            />
          </div>
          <div ref={list} id={`${id}-list`} className={styles.list} role="listbox" aria-label={own.findLabel}>
            {entries.map((entry, index) => (
              <Option
                key={entry.id}
                entry={entry}
                id={`${id}-${index}`}
                heading={
                  entry.group === entries[index - 1]?.group
                    ? null
                    : entry.group === "actions"
                      ? own.actions
                      : typed.trim() === ""
                        ? own.recent
                        : own.conversations
                }
                isChosen={index === place}
                onPoint={() => setAt(index)}
                onAct={() => act(entry)}
              />
            ))}
          </div>
          {(entries.length === 0 || isReadingMore) && (
            <p className={styles.note} role="status">
              {isReadingMore ? own.readingMore : own.nothing}
            </p>
          )}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Option({
  entry: { name, icon: Icon, run },
  id,
  heading,
  isChosen,
  onPoint,
  onAct,
}: {
  entry: Entry;
  id: string;
  /** Where the next kind of entries begins. */
  heading: string | null;
  isChosen: boolean;
  onPoint: () => void;
  onAct: () => void;
}) {
  return (
    <>
      {heading !== null && (
        <div role="presentation" className={styles.heading}>
          {heading}
        </div>
      )}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: the field above keeps the focus */}
      <div
        id={id}
        role="option"
        aria-selected={isChosen}
        className={styles.option}
        onPointerMove={onPoint}
        onClick={onAct}
      >
        <Icon size={16} aria-hidden="true" />
        <span className={styles.name} dir="auto">
          {name}
        </span>
        <RunMark run={run} />
      </div>
    </>
  );
}
