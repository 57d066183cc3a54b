// The drop area for uploads, and the button that chooses files. It asks before a file is replaced.
import { Upload } from "lucide-react";
import { type DragEvent, type ReactNode, useRef, useState } from "react";
import { useMay } from "../app/may.tsx";
import { revealName } from "../client/reveal.ts";
import { IconButton } from "../parts/button.tsx";
import { Notice } from "../parts/notice.tsx";
import { useWords } from "../state/words.ts";
import { Confirm } from "./confirm.tsx";
import { fileWords } from "./file-words.ts";
import styles from "./files.module.css";

interface Drop {
  /** Shown as the target of the upload. */
  folder: string;
  /** The names that already exist there. */
  names: readonly string[];
  onFiles(files: File[]): void;
  children: (button: ReactNode) => ReactNode;
}

export function FileDrop({ folder, names, onFiles, children }: Drop) {
  const said = useWords(fileWords);
  const mayUpload = useMay("write");
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const [isFolder, setFolder] = useState(false);
  const [waiting, setWaiting] = useState<File[]>([]);
  const place = folder === "" ? said.root : folder;
  const replaced = waiting.map(({ name }) => name).filter((name) => names.includes(name));
  const take = (files: File[]): void => {
    if (files.some(({ name }) => names.includes(name))) setWaiting(files);
    else onFiles(files);
  };
  const drop = (event: DragEvent): void => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    setOver(false);
    // Taken all the same: otherwise the browser leaves the page for the file.
    if (!mayUpload) return;
    const items = [...event.dataTransfer.items];
    setFolder(items.some((item) => item.webkitGetAsEntry()?.isDirectory));
    take(items.flatMap((item) => (item.webkitGetAsEntry()?.isDirectory ? [] : (item.getAsFile() ?? []))));
  };
  const button = (
    <>
      <IconButton small label={said.uploadTo(place)} icon={Upload} onClick={() => input.current?.click()} />
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={said.upload}
        onChange={({ target }) => {
          take([...(target.files ?? [])]);
          // Allows the same file to be chosen again.
          target.value = "";
        }}
      />
    </>
  );
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the button does the same with the keyboard
    <div
      className={styles.drop}
      onDragOver={(event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        setOver(mayUpload);
      }}
      onDragLeave={({ currentTarget, relatedTarget }) => {
        if (!(relatedTarget instanceof Node) || !currentTarget.contains(relatedTarget)) setOver(false);
      }}
      onDrop={drop}
    >
      {isFolder && (
        <div className={styles.trouble}>
          <Notice tone="warn">{said.uploadFolder}</Notice>
        </div>
      )}
      {children(button)}
      {isOver && <p className={styles.over}>{said.drop(place)}</p>}
      {replaced.length > 0 && (
        <Confirm
          title={said.replaceTitle}
          action={said.replace}
          cancel={said.cancel}
          onConfirm={() => onFiles(waiting)}
          onClose={() => setWaiting([])}
        >
          {said.replaceText(replaced.map(revealName).join(", "))}
        </Confirm>
      )}
    </div>
  );
}

function hasFiles({ dataTransfer }: DragEvent): boolean {
  return dataTransfer.types.includes("Files");
}
