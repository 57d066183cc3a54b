// The uploads below the tree: the progress and outcome of each.
import { Check, CircleAlert, X } from "lucide-react";
import { IconButton } from "../parts/button.tsx";
import { Spinner } from "../parts/notice.tsx";
import { preferences } from "../state/preferences.ts";
import { useStore } from "../state/store.ts";
import { useWords } from "../state/words.ts";
import { joinPath } from "./file-tree.ts";
import { fileWords } from "./file-words.ts";
import styles from "./files.module.css";
import type { Upload, Uploads } from "./uploads.ts";

export function UploadList({ uploads }: { uploads: Uploads }) {
  const said = useWords(fileWords);
  const list = useStore(uploads.list);
  if (list.length === 0) return null;
  return (
    <ul className={styles.uploads} aria-label={said.uploads} aria-live="polite">
      {list.map((upload) => (
        <UploadRow key={upload.id} upload={upload} onRemove={() => uploads.remove(upload.id)} />
      ))}
    </ul>
  );
}

function UploadRow({ upload, onRemove }: { upload: Upload; onRemove: () => void }) {
  const said = useWords(fileWords);
  const language = useStore(preferences, (now) => now.language);
  const percent = new Intl.NumberFormat(language, { style: "percent" }).format(upload.sent);
  const failure = upload.isTooLarge ? said.uploadTooLarge : upload.problem?.text;
  const isUnderWay = upload.state === "waiting" || upload.state === "sending";
  return (
    <li className={styles.upload} data-state={upload.state}>
      {isUnderWay && <Spinner />}
      {upload.state === "done" && <Check size={15} aria-hidden="true" />}
      {upload.state === "failed" && <CircleAlert size={15} aria-hidden="true" />}
      <span className={styles.uploadName} dir="auto" title={upload.problem?.detail ?? undefined}>
        {joinPath(upload.folder, upload.name)}
        {failure && <small>{failure}</small>}
        {upload.state === "sending" && <progress value={upload.sent} aria-label={said.uploading(percent)} />}
      </span>
      <span className={styles.size}>
        {upload.state === "sending" ? percent : upload.state === "done" ? said.uploaded : ""}
      </span>
      <IconButton small label={isUnderWay ? said.stop : said.dismiss} icon={X} onClick={onRemove} />
    </li>
  );
}
