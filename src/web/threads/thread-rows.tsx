// The conversations by day. Older ones are read when the end of the list comes near.
import { MessagesSquare } from "lucide-react";
import { useEffect, useRef } from "react";
import { useApp } from "../app/context.ts";
import { Button } from "../parts/button.tsx";
import { Empty, ProblemNotice, Spinner } from "../parts/notice.tsx";
import { place } from "../state/place.ts";
import { useStore } from "../state/store.ts";
import { useWords } from "../state/words.ts";
import { groupByDay } from "./groups.ts";
import { ThreadRow } from "./thread-row.tsx";
import styles from "./thread-rows.module.css";
import { words } from "./words.ts";

export function ThreadRows({ project, onBegin }: { project: string | null; onBegin: () => void }) {
  const said = useWords(words);
  const { threads } = useApp();
  const { phase, threads: all, next_cursor, isReadingMore, problem } = useStore(threads.view);
  const open = useStore(place, ({ thread }) => thread);
  const rows = project === null ? all : all.filter(({ project_id }) => project_id === project);
  useEffect(() => {
    // A project's threads may be on any page.
    if (project !== null) void threads.all();
  }, [project, threads]);
  if (phase === "loading") return <Skeleton />;
  const isWhole = next_cursor === null && !isReadingMore;
  return (
    <div className={styles.list}>
      {problem && (
        <ProblemNotice
          problem={problem}
          action={
            <Button small look="quiet" onClick={() => threads.refresh()}>
              {said.retry}
            </Button>
          }
        />
      )}
      {groupByDay(rows, new Date()).map(({ span, rows }) => (
        <section key={span} aria-label={said.spans[span]}>
          <h3 className={styles.span}>{said.spans[span]}</h3>
          <ul className={styles.rows}>
            {rows.map((row) => (
              <ThreadRow key={row.thread_id} row={row} isOpen={row.thread_id === open} />
            ))}
          </ul>
        </section>
      ))}
      {rows.length === 0 && isWhole && problem === null && (
        <Empty icon={MessagesSquare}>
          <p>{project === null ? said.empty : said.emptyProject}</p>
          {project !== null && (
            <Button small onClick={onBegin}>
              {said.begin}
            </Button>
          )}
        </Empty>
      )}
      {next_cursor !== null && (
        <p className={styles.more}>
          {isReadingMore && (
            <>
              <Spinner /> {said.readingMore}
            </>
          )}
          {/* A new one for each page: where a short page leaves the end visible, it is observed anew. */}
          <End key={next_cursor} onSeen={() => void threads.more()} />
        </p>
      )}
    </div>
  );
}

function End({ onSeen }: { onSeen: () => void }) {
  const mark = useRef<HTMLSpanElement>(null);
  const seen = useRef(onSeen);
  seen.current = onSeen;
  useEffect(() => {
    const { current } = mark;
    if (!current) return;
    const watch = new IntersectionObserver((entries) => entries.some((each) => each.isIntersecting) && seen.current(), {
      rootMargin: "200px",
    });
    watch.observe(current);
    return () => watch.disconnect();
  }, []);
  return <span ref={mark} className={styles.end} aria-hidden="true" />;
}

function Skeleton() {
  const said = useWords(words);
  return (
    <div className={styles.list} role="status">
      <span className="unseen">{said.loading}</span>
      {[72, 54, 83, 61, 47, 76].map((width) => (
        <span key={width} className={styles.bone} style={{ width: `${width}%` }} />
      ))}
    </div>
  );
}
