// Above the frame: which port is shown at which width, and its address with its actions.
import { ExternalLink, Monitor, Plus, RotateCw, Smartphone, Tablet, Unlink } from "lucide-react";
import { useState } from "react";
import { May } from "../app/may.tsx";
import { CopyButton } from "../conversation/copy-button.tsx";
import { readLink } from "../conversation/link.ts";
import { IconButton } from "../parts/button.tsx";
import { useWords } from "../state/words.ts";
import { Confirm } from "./confirm.tsx";
import { useFormats } from "./format.ts";
import styles from "./preview.module.css";
import type { Preview } from "./previews.ts";
import { previewWords } from "./words.ts";

export type PreviewSize = "phone" | "tablet" | "full";

const sizes = [
  { name: "phone", icon: Smartphone },
  { name: "tablet", icon: Tablet },
  { name: "full", icon: Monitor },
] as const;

interface Bar {
  previews: Preview[];
  shown: Preview;
  size: PreviewSize;
  isAdding: boolean;
  onChoose(port: number): void;
  onSize(size: PreviewSize): void;
  onReload(): void;
  onAdd(): void;
  onRevoke(port: number): Promise<boolean>;
}

export function PreviewBar({ previews, shown, size, isAdding, onChoose, onSize, onReload, onAdd, onRevoke }: Bar) {
  const said = useWords(previewWords);
  return (
    <div className={styles.bar}>
      <div className={styles.row}>
        <fieldset className={styles.ports} aria-label={said.choose}>
          {previews.map(({ port }) => (
            <button
              key={port}
              type="button"
              className={styles.port}
              aria-pressed={port === shown.port}
              aria-label={`${said.port} ${port}`}
              onClick={() => onChoose(port)}
            >
              :{port}
            </button>
          ))}
          <IconButton small label={said.expose} icon={Plus} aria-expanded={isAdding} onClick={onAdd} />
        </fieldset>
        <fieldset className={styles.sizes} aria-label={said.size}>
          {sizes.map(({ name, icon }) => (
            <IconButton
              key={name}
              small
              label={said.sizes[name]}
              icon={icon}
              aria-pressed={name === size}
              onClick={() => onSize(name)}
            />
          ))}
        </fieldset>
      </div>
      <Address shown={shown} onReload={onReload} onRevoke={onRevoke} />
    </div>
  );
}

function Address({
  shown: { port, url, expires_at },
  onReload,
  onRevoke,
}: Pick<Bar, "shown" | "onReload" | "onRevoke">) {
  const said = useWords(previewWords);
  const formats = useFormats();
  const [isAsking, setAsking] = useState(false);
  const href = readLink(url);
  const until = expires_at === null ? undefined : said.until(formats.moment(Date.parse(expires_at)));
  return (
    <div className={styles.address}>
      <IconButton small label={said.reload} icon={RotateCw} onClick={onReload} />
      <span className={styles.url} dir="ltr" title={until}>
        {url}
      </span>
      <CopyButton text={url} label={said.copyLink} />
      {href !== null && (
        <a
          className={styles.open}
          href={href}
          target="_blank"
          rel="noopener noreferrer"
          aria-label={said.openTab}
          title={said.openTab}
        >
          <ExternalLink size={15} aria-hidden="true" />
        </a>
      )}
      <May scope="write">
        <IconButton small label={said.revoke} icon={Unlink} onClick={() => setAsking(true)} />
      </May>
      {isAsking && (
        <Confirm
          title={said.revoke}
          action={said.revoke}
          cancel={said.cancel}
          onConfirm={() => void onRevoke(port)}
          onClose={() => setAsking(false)}
        >
          {said.revokeQuestion(port)}
        </Confirm>
      )}
    </div>
  );
}
