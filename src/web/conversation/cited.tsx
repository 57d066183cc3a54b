// Citations in a text as links to their sources, and the list of a text's sources below it. A number without a source
// stays text. Titles are the web's words: they are shown as text only.
import { Fragment, type ReactNode, useContext } from "react";
import { type Citation, citedNumbers } from "../../lib/citations.ts";
import type { KnownSource, KnownSources } from "../client/sources.ts";
import { useWords } from "../state/words.ts";
import styles from "./cited.module.css";
import { hostOf, readLink } from "./link.ts";
import { SourcesContext } from "./sources.ts";
import { words } from "./words.ts";

/** A longer list is folded, so that it is not longer than the answer. */
const maxOpen = 6;

export function Cited({ text, citations }: { text: string; citations: Citation[] }) {
  const sources = useContext(SourcesContext);
  const parts: ReactNode[] = [];
  let last = 0;
  for (const { start, end, numbers } of citations) {
    if (!numbers.some((n) => sources[n] !== undefined)) continue;
    parts.push(text.slice(last, start), <Marks key={start} numbers={numbers} sources={sources} />);
    last = end;
  }
  return (
    <>
      {parts}
      {text.slice(last)}
    </>
  );
}

function Marks({ numbers, sources }: { numbers: number[]; sources: KnownSources }) {
  return (
    <span className={styles.marks}>
      [
      {numbers.map((n, index) => (
        <Fragment key={n}>
          {index > 0 && ", "}
          <Mark n={n} source={sources[n]} />
        </Fragment>
      ))}
      ]
    </span>
  );
}

function Mark({ n, source }: { n: number; source: KnownSource | undefined }) {
  const { notRead } = useWords(words);
  const href = source && readLink(source.url);
  if (!source || !href) return <>{n}</>;
  const title = `${source.title ?? hostOf(source.url)}${source.read ? "" : ` (${notRead})`}`;
  return (
    <a
      className={styles.mark}
      href={href}
      title={title}
      data-unread={source.read ? undefined : true}
      target="_blank"
      rel="noopener noreferrer"
    >
      {n}
    </a>
  );
}

/** What a text cites, by number; nothing if it cites nothing that is known. */
export function SourceList({ text }: { text: string }) {
  const said = useWords(words);
  const known = useContext(SourcesContext);
  const sources = citedNumbers(text).flatMap((n) => known[n] ?? []);
  if (sources.length === 0) return null;
  return (
    <details className={styles.sources} open={sources.length <= maxOpen} data-sources>
      <summary>{said.sources(sources.length)}</summary>
      <ul>
        {sources.map((source) => (
          <li key={source.n}>
            <span className={styles.number}>[{source.n}]</span>
            <span className={styles.source}>
              <Title source={source} /> <span className={styles.host}>{hostOf(source.url)}</span>
              {!source.read && (
                <>
                  {" "}
                  <span className={styles.unread}>{said.notRead}</span>
                </>
              )}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Title({ source }: { source: KnownSource }) {
  const href = readLink(source.url);
  const name = source.title?.trim() || source.url;
  if (href === null) return <bdi>{name}</bdi>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer">
      <bdi>{name}</bdi>
    </a>
  );
}
