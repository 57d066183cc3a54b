// The tree of files. The Tab key stops at it once; the arrow keys move within it.
import { ChevronRight, File, FileImage, Folder, FolderOpen } from "lucide-react";
import { type KeyboardEvent, useRef } from "react";
import { revealName } from "../client/reveal.ts";
import { Button } from "../parts/button.tsx";
import { ProblemNotice, Spinner } from "../parts/notice.tsx";
import { useWords } from "../state/words.ts";
import { pictureType } from "./file-content.ts";
import { type FileEntry, moveInTree, type TreeRow } from "./file-tree.ts";
import { fileWords } from "./file-words.ts";
import styles from "./files.module.css";
import { useFormats } from "./format.ts";

interface List {
  rows: TreeRow[];
  /** The chosen entry, a file or a folder. */
  chosen: string | null;
  onChoose(entry: FileEntry): void;
  onToggle(folder: string): void;
  onAgain(folder: string): void;
}

export function FileList({ rows, chosen, onChoose, onToggle, onAgain }: List) {
  const said = useWords(fileWords);
  const list = useRef<HTMLDivElement>(null);
  const entries = rows.flatMap((row) => (row.kind === "entry" ? [row.entry] : []));
  const stop = entries.find(({ path }) => path === chosen)?.path ?? entries[0]?.path;
  const press = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey || !(event.target instanceof HTMLElement)) return;
    const from = event.target.dataset.path ?? null;
    const move = moveInTree(rows, from, event.key);
    if (move === null) return;
    event.preventDefault();
    if (move.toggle !== undefined) onToggle(move.toggle);
    if (move.focus === undefined) return;
    const items = list.current?.querySelectorAll<HTMLElement>("[data-path]") ?? [];
    [...items].find((item) => item.dataset.path === move.focus)?.focus();
  };
  // An element with the role `tree` must have items.
  if (entries.length === 0) {
    return (
      <div className={styles.tree}>
        {rows.map((row) => row.kind === "remark" && <Remark key="" row={row} onAgain={() => onAgain(row.folder)} />)}
      </div>
    );
  }
  return (
    <div ref={list} role="tree" aria-label={said.tree} className={styles.tree} onKeyDown={press}>
      {rows.map((row) =>
        row.kind === "entry" ? (
          <EntryRow
            key={row.entry.path}
            row={row}
            isChosen={row.entry.path === chosen}
            isStop={row.entry.path === stop}
            onAct={() => {
              onChoose(row.entry);
              if (row.entry.is_dir) onToggle(row.entry.path);
            }}
          />
        ) : (
          <Remark key={`${row.folder}/ ${String(row.remark)}`} row={row} onAgain={() => onAgain(row.folder)} />
        ),
      )}
    </div>
  );
}

function EntryRow({
  row: { entry, level, isOpen },
  isChosen,
  isStop,
  onAct,
}: {
  row: Extract<TreeRow, { kind: "entry" }>;
  isChosen: boolean;
  isStop: boolean;
  onAct: () => void;
}) {
  const formats = useFormats();
  const Icon = entry.is_dir ? (isOpen ? FolderOpen : Folder) : pictureType(entry.name) ? FileImage : File;
  return (
    <div
      role="treeitem"
      tabIndex={isStop ? 0 : -1}
      aria-level={level}
      aria-expanded={entry.is_dir ? isOpen : undefined}
      aria-selected={isChosen}
      data-path={entry.path}
      className={styles.entry}
      style={{ paddingInlineStart: 8 + (level - 1) * 16 }}
      onClick={onAct}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        onAct();
      }}
    >
      {entry.is_dir ? (
        <ChevronRight size={14} className={styles.turn} data-open={isOpen || undefined} aria-hidden="true" />
      ) : (
        <span className={styles.noTurn} />
      )}
      <Icon size={15} className={styles.icon} aria-hidden="true" />
      <span className={styles.name} dir="auto" title={revealName(entry.name)}>
        {revealName(entry.name)}
      </span>
      {!entry.is_dir && <span className={styles.size}>{formats.bytes(entry.size)}</span>}
    </div>
  );
}

function Remark({
  row: { level, remark },
  onAgain,
}: {
  row: Extract<TreeRow, { kind: "remark" }>;
  onAgain: () => void;
}) {
  const said = useWords(fileWords);
  if (typeof remark === "object") {
    return (
      <div className={styles.trouble}>
        <ProblemNotice
          problem={remark}
          action={
            <Button small onClick={onAgain}>
              {said.again}
            </Button>
          }
        />
      </div>
    );
  }
  const texts = {
    loading: said.loading,
    empty: level === 1 ? said.empty : said.emptyFolder,
    truncated: said.truncated,
  };
  return (
    <div
      role="none"
      className={level === 1 && remark === "empty" ? styles.nothing : styles.remark}
      style={{ paddingInlineStart: level === 1 ? undefined : 30 + (level - 1) * 16 }}
    >
      {remark === "loading" && <Spinner />} {texts[remark]}
    </div>
  );
}
