// A list in each of its states: loading, failed, empty, rows, and more to load.
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "../../parts/button.tsx";
import { Empty, ProblemNotice } from "../../parts/notice.tsx";
import { useWords } from "../../state/words.ts";
import type { List } from "../use-list.ts";
import { words } from "../words.ts";
import styles from "./list-view.module.css";

export function ListView<Row>({
  list,
  icon,
  empty,
  children,
}: {
  list: List<Row>;
  icon: LucideIcon;
  empty: ReactNode;
  children: (row: Row) => ReactNode;
}) {
  const said = useWords(words);
  const { rows, problem } = list;
  return (
    <>
      {problem && (
        <ProblemNotice
          problem={problem}
          action={
            <Button small onClick={() => void list.refresh()}>
              {said.retry}
            </Button>
          }
        />
      )}
      {rows === null && !problem && <Waiting />}
      {rows?.length === 0 && (
        <div className={styles.empty}>
          <Empty icon={icon}>{typeof empty === "string" ? <p>{empty}</p> : empty}</Empty>
        </div>
      )}
      {rows && rows.length > 0 && <ul className={styles.rows}>{rows.map(children)}</ul>}
      {rows && list.hasMore && (
        <span className={styles.more}>
          <Button look="quiet" disabled={list.isReading} onClick={() => void list.more()}>
            {said.more}
          </Button>
        </span>
      )}
    </>
  );
}

/** Shaped like the rows, so that nothing moves when they arrive. */
export function Waiting() {
  const said = useWords(words);
  return (
    <div className={styles.rows} role="status">
      <span className="unseen">{said.loading}</span>
      <div className={styles.ghost} />
      <div className={styles.ghost} />
    </div>
  );
}
