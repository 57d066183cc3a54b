// The content of the chosen file.
import { ArrowLeft, CodeXml, Download, FileQuestion, Trash2 } from "lucide-react";
import { useEffect, useState } from "react";
import { useApp } from "../app/context.ts";
import { May } from "../app/may.tsx";
import { revealName } from "../client/reveal.ts";
import { Colours } from "../conversation/code.tsx";
import { CopyButton } from "../conversation/copy-button.tsx";
import { languageOf } from "../conversation/language.ts";
import { Markdown } from "../conversation/markdown.tsx";
import { Button, IconButton } from "../parts/button.tsx";
import { Empty, Notice, ProblemNotice, Spinner } from "../parts/notice.tsx";
import { describeProblem, type Problem } from "../state/problem.ts";
import { useWords } from "../state/words.ts";
import { type FileContent, readContent, shownBytes } from "./file-content.ts";
import type { FileEntry } from "./file-tree.ts";
import styles from "./file-view.module.css";
import { fileWords } from "./file-words.ts";
import shared from "./files.module.css";
import { useFormats } from "./format.ts";

interface View {
  entry: FileEntry;
  /** Where files are read from. */
  files: string;
  isPreparing: boolean;
  onBack(): void;
  onDownload(): void;
  onDelete(): void;
}

type Reading = { content: FileContent } | { problem: Problem } | null;

export function FileView({ entry, files, isPreparing, onBack, onDownload, onDelete }: View) {
  const said = useWords(fileWords);
  const formats = useFormats();
  const [attempt, setAttempt] = useState(0);
  const [isSource, setSource] = useState(false);
  const reading = useContent(entry, files, attempt);
  const content = reading && "content" in reading ? reading.content : null;
  return (
    <section className={styles.view} aria-label={entry.name}>
      <header className={styles.viewHead}>
        <span className={styles.back}>
          <IconButton small label={said.back} icon={ArrowLeft} onClick={onBack} />
        </span>
        <div className={styles.title}>
          <h3 className={styles.fileName} title={revealName(entry.path)}>
            {revealName(entry.name)}
          </h3>
          <p className={styles.facts}>
            {formats.bytes(entry.size)} · {formats.moment(Date.parse(entry.modified_at))}
          </p>
        </div>
        {content?.kind === "text" && isDocument(entry) && (
          <IconButton
            small
            label={said.source}
            icon={CodeXml}
            aria-pressed={isSource}
            onClick={() => setSource(!isSource)}
          />
        )}
        {content?.kind === "text" && content.isWhole && <CopyButton text={content.text} label={said.copyText} />}
        <IconButton
          small
          label={isPreparing ? said.preparing : said.download}
          icon={Download}
          disabled={isPreparing}
          onClick={onDownload}
        />
        <May scope="write">
          <IconButton small label={said.delete} icon={Trash2} onClick={onDelete} />
        </May>
      </header>
      <div className={styles.content}>
        {reading === null && (
          <p className={shared.remark}>
            <Spinner /> {said.loading}
          </p>
        )}
        {reading && "problem" in reading && (
          <div className={shared.trouble}>
            <ProblemNotice
              problem={reading.problem}
              action={
                <Button small onClick={() => setAttempt(attempt + 1)}>
                  {said.again}
                </Button>
              }
            />
          </div>
        )}
        {content && <Content content={content} entry={entry} isSource={isSource} onDownload={onDownload} />}
      </div>
    </section>
  );
}

/** Reads again when the entry is another one, or has changed. */
function useContent(entry: FileEntry, files: string, attempt: number): Reading {
  const { api } = useApp();
  const [reading, setReading] = useState<Reading>(null);
  const { path, name, size, modified_at } = entry;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt, or another time of change, is a reason to read
  useEffect(() => {
    const leaving = new AbortController();
    const show = (next: Reading): void => {
      if (!leaving.signal.aborted) setReading(next);
    };
    readContent(api, files, { path, name, size, modified_at, is_dir: false }, leaving.signal).then(
      (content) => show({ content }),
      (error: unknown) => show({ problem: describeProblem(error) }),
    );
    return () => leaving.abort();
  }, [api, files, path, name, size, modified_at, attempt]);
  return reading;
}

/** Shown as it reads, such as a report whose sources can be opened. */
function isDocument({ name }: FileEntry): boolean {
  return languageOf(name) === "markdown";
}

function Content({
  content,
  entry,
  isSource,
  onDownload,
}: { content: FileContent; isSource: boolean } & Pick<View, "entry" | "onDownload">) {
  const said = useWords(fileWords);
  const formats = useFormats();
  if (content.kind === "picture") return <Picture blob={content.blob} name={entry.name} />;
  if (content.kind === "text") {
    return (
      <>
        {!content.isWhole && (
          <div className={shared.trouble}>
            <Notice>{said.partial(formats.bytes(shownBytes))}</Notice>
          </div>
        )}
        {content.text === "" ? (
          <p className={shared.remark}>{said.emptyFolder}</p>
        ) : isDocument(entry) && !isSource ? (
          <Document text={content.text} />
        ) : (
          <Text {...content} entry={entry} />
        )}
      </>
    );
  }
  return (
    <Empty icon={FileQuestion}>
      <p>{content.kind === "binary" ? said.binary : said.tooLarge}</p>
      <Button icon={Download} onClick={onDownload}>
        {said.download}
      </Button>
    </Empty>
  );
}

function Document({ text }: { text: string }) {
  const said = useWords(fileWords);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: long files are scrolled with the keyboard too
    <section className={styles.document} tabIndex={0} aria-label={said.contents}>
      <Markdown text={text} open={false} />
    </section>
  );
}

function Text({ text, entry }: { text: string; entry: FileEntry }) {
  const said = useWords(fileWords);
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: long files are scrolled with the keyboard too
    <section className={styles.text} tabIndex={0} aria-label={said.contents}>
      <pre className={styles.numbers} aria-hidden="true">
        {Array.from({ length: lines }, (_, index) => index + 1).join("\n")}
      </pre>
      <pre className={styles.code} dir="ltr">
        <Colours text={text} language={languageOf(entry.name)} />
      </pre>
    </section>
  );
}

function Picture({ blob, name }: { blob: Blob; name: string }) {
  const said = useWords(fileWords);
  const [url, setUrl] = useState<string | null>(null);
  const [isBroken, setBroken] = useState(false);
  useEffect(() => {
    const made = URL.createObjectURL(blob);
    setUrl(made);
    setBroken(false);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  if (isBroken) {
    return (
      <div className={shared.trouble}>
        <Notice tone="warn">{said.unreadable}</Notice>
      </div>
    );
  }
  return <div className={styles.picture}>{url && <img src={url} alt={name} onError={() => setBroken(true)} />}</div>;
}
