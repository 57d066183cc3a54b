// The files of the project's sandbox: view, upload, download.
import { Archive, RotateCw, Trash2 } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { useApp } from "../app/context.ts";
import { Locked, May, useMay } from "../app/may.tsx";
import { revealName } from "../client/reveal.ts";
import { IconButton } from "../parts/button.tsx";
import { ProblemNotice } from "../parts/notice.tsx";
import { useStore } from "../state/store.ts";
import { useWords } from "../state/words.ts";
import { Confirm } from "./confirm.tsx";
import { FileDrop } from "./file-drop.tsx";
import { FileList } from "./file-list.tsx";
import { FileStore } from "./file-store.ts";
import { type FileEntry, listRows, parentOf } from "./file-tree.ts";
import { FileView } from "./file-view.tsx";
import { fileWords } from "./file-words.ts";
import styles from "./files.module.css";
import type { PartProps } from "./part.ts";
import { useRunEnd } from "./refresh.ts";
import { SandboxGate } from "./sandbox-gate.tsx";
import { UploadList } from "./upload-list.tsx";
import { Uploads } from "./uploads.ts";
import { useAttempts } from "./use-attempts.ts";

export function FilesPanel({ thread, isShown }: PartProps) {
  if (!useMay("run")) return <Locked scope="run" />;
  return (
    <SandboxGate thread={thread} isShown={isShown}>
      {(project) => <Files key={project} project={project} thread={thread} isShown={isShown} />}
    </SandboxGate>
  );
}

function Files({ project, thread, isShown }: PartProps & { project: string }) {
  const said = useWords(fileWords);
  const { api } = useApp();
  const store = useMemo(() => new FileStore(api, project), [api, project]);
  const uploads = useMemo(() => new Uploads(api, store.path, (folder) => void store.read(folder)), [api, store]);
  const tree = useStore(store.tree);
  const rows = useMemo(() => listRows(tree), [tree]);
  const [chosen, setChosen] = useState<FileEntry | null>(null);
  const [shown, setShown] = useState<FileEntry | null>(null);
  const [doomed, setDoomed] = useState<FileEntry | null>(null);
  const { problem, isBusy, attempt } = useAttempts();
  useEffect(() => void store.refresh(), [store]);
  useEffect(() => () => uploads.close(), [uploads]);
  useRunEnd(thread, isShown, () => void store.refresh());
  // The shown file is read again when the tree shows another size or time, and closed when it is gone.
  const listed = shown && tree.folders[parentOf(shown.path)]?.entries?.find(({ path }) => path === shown.path);
  const current = listed ?? shown;
  const folder = chosen === null ? "" : chosen.is_dir ? chosen.path : parentOf(chosen.path);
  const choose = (entry: FileEntry): void => {
    setChosen(entry);
    if (!entry.is_dir) setShown(entry);
  };
  const remove = (entry: FileEntry): void => {
    void attempt(async () => {
      await store.remove(entry);
      setChosen(null);
      setShown((now) => (now && `${now.path}/`.startsWith(`${entry.path}/`) ? null : now));
      await store.read(parentOf(entry.path));
    });
  };
  const download = (path: string, kind: "content" | "archive"): void => void attempt(() => store.download(path, kind));
  const names = tree.folders[folder]?.entries?.map(({ name }) => name) ?? [];
  return (
    <FileDrop folder={folder} names={names} onFiles={(files) => uploads.add(folder, files)}>
      {(upload) => (
        <div className={styles.files} data-viewing={current !== null || undefined}>
          <div className={styles.side}>
            <div className={styles.bar}>
              <Where folder={folder} onRoot={() => setChosen(null)} />
              <IconButton
                small
                label={folder === "" ? said.downloadAll : said.downloadFolder(folder)}
                icon={Archive}
                disabled={isBusy}
                onClick={() => download(folder, "archive")}
              />
              <May scope="write">
                {chosen?.is_dir && (
                  <IconButton
                    small
                    label={said.deleteNamed(chosen.name)}
                    icon={Trash2}
                    onClick={() => setDoomed(chosen)}
                  />
                )}
                {upload}
              </May>
              <IconButton small label={said.refresh} icon={RotateCw} onClick={() => void store.refresh()} />
            </div>
            {problem && (
              <div className={styles.trouble}>
                <ProblemNotice problem={problem} />
              </div>
            )}
            <FileList
              rows={rows}
              chosen={chosen?.path ?? null}
              onChoose={choose}
              onToggle={(path) => store.toggle(path)}
              onAgain={(path) => void store.read(path)}
            />
            <UploadList uploads={uploads} />
          </div>
          {current ? (
            <FileView
              key={current.path}
              entry={current}
              files={store.path}
              isPreparing={isBusy}
              onBack={() => setShown(null)}
              onDownload={() => download(current.path, "content")}
              onDelete={() => setDoomed(current)}
            />
          ) : (
            <p className={styles.choose}>{said.choose}</p>
          )}
          {doomed && (
            <Confirm
              title={said.deleteTitle(revealName(doomed.name))}
              action={said.delete}
              cancel={said.cancel}
              onConfirm={() => remove(doomed)}
              onClose={() => setDoomed(null)}
            >
              {doomed.is_dir ? said.deleteFolder : said.deleteFile}
            </Confirm>
          )}
        </div>
      )}
    </FileDrop>
  );
}

/** The folder for uploads and archives, and the path back to the root. */
function Where({ folder, onRoot }: { folder: string; onRoot: () => void }) {
  const said = useWords(fileWords);
  if (folder === "") return <span className={styles.where}>{said.root}</span>;
  return (
    <span className={styles.where}>
      <button type="button" className={styles.root} title={said.root} onClick={onRoot}>
        {said.root}
      </button>
      /
      <span className={styles.folder} dir="ltr" title={revealName(folder)}>
        {revealName(folder)}
      </span>
    </span>
  );
}
