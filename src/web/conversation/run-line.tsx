// One line on the newest run's state, for sighted and screen reader users. Those hear of tasks by themselves, and read
// the figures when they come to them.
import { lazy, Suspense } from "react";
import type { Notice } from "../client/conversation.ts";
import { Spinner } from "../parts/notice.tsx";
import { preferences } from "../state/preferences.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { isBusy, type ThreadView } from "../state/thread-view.ts";
import { useWords } from "../state/words.ts";
import styles from "./run-line.module.css";
import { saySandbox } from "./sandbox-notice.ts";
import { words } from "./words.ts";

/** Where it can't be loaded, the line still says that the run works. */
const load = () => import("./run-progress.tsx");
const Progress = lazy(() =>
  load().then(
    ({ Progress }) => ({ default: Progress }),
    () => ({ default: Working }),
  ),
);
const Figures = lazy(() =>
  load().then(
    ({ Figures }) => ({ default: Figures }),
    () => ({ default: () => <></> }),
  ),
);

export function RunLine({ thread, view }: { thread: ThreadStore; view: ThreadView }) {
  const said = useWords(words);
  const { run } = view.conversation;
  const works = view.link !== "lost" && view.phase === "ready" && run.state === "running";
  const text = describeState(view, said);
  return (
    <div className={styles.line} data-run-line={run.state}>
      {(isBusy(view) || view.link === "lost") && <Spinner />}
      <div role="status" className={styles.state}>
        {text ??
          (works && (
            <Suspense fallback={said.working}>
              <Progress thread={thread} />
            </Suspense>
          ))}
      </div>
      {works && (
        <Suspense fallback={null}>
          <Figures view={view} />
        </Suspense>
      )}
    </div>
  );
}

/** Null for a run that works without anything in its way. */
function describeState(view: ThreadView, said: (typeof words)["en"]): string | null {
  const { run, notice } = view.conversation;
  if (view.link === "lost") return said.reconnecting;
  if (view.phase === "loading") return said.loading;
  if (run.state === "waiting") return said.waiting;
  if (run.state === "running") return notice === null ? null : sayNotice(notice, said);
  return run.state === "completed" && run.unfinished > 0 ? said.unfinished(run.unfinished) : null;
}

function sayNotice(notice: Notice, said: (typeof words)["en"]): string {
  if (notice.kind === "sandbox") return saySandbox(preferences.get().language, notice);
  return notice.model === null ? said.askedAgain(notice.attempt) : said.askedOther(notice.model);
}

function Working() {
  return useWords(words).working;
}
