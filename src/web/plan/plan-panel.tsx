// The thread's plan: its progress, its sections and tasks as they change, and every edit that a person may make.
import { ListChecks, Plus } from "lucide-react";
import { useCallback, useLayoutEffect, useMemo, useRef } from "react";
import type { PlanState } from "../../protocol/plan/task.ts";
import { useApp } from "../app/context.ts";
import { useMay } from "../app/may.tsx";
import { Button } from "../parts/button.tsx";
import { Empty, ProblemNotice } from "../parts/notice.tsx";
import { useFocusBack } from "../parts/use-focus-back.ts";
import { go, place } from "../state/place.ts";
import { useStore } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { useWords } from "../state/words.ts";
import { AddSection } from "./add-section.tsx";
import { PlanEditor } from "./plan-editor.ts";
import { addSection, type PlanEdit } from "./plan-edits.ts";
import styles from "./plan-panel.module.css";
import { PlanThread } from "./plan-thread.ts";
import { progressOf } from "./progress.ts";
import { PlanSection } from "./section.tsx";
import { useLedger } from "./use-ledger.ts";
import { usePlan } from "./use-plan.ts";
import { words } from "./words.ts";

export function PlanPanel({ thread }: { thread: ThreadStore }) {
  const said = useWords(words);
  const plan = usePlan(thread);
  const busy = useStore(thread.view.shown, (view) => view.conversation.run.state === "running");
  const isLoading = useStore(thread.view.shown, (view) => view.phase === "loading");
  const ledger = useLedger(thread.id, { version: isLoading ? 0 : plan.version, busy });
  const { editor, edit, panel } = useEditing(thread, plan);
  const { problem } = useStore(editor.view);
  const { place: adding, isFieldOpen: isAdding, isDue, open, leave } = useFocusBack<HTMLDivElement>();
  const trouble = problem ?? ledger.problem;
  const isEmpty = plan.sections.length === 0;
  const mayEdit = useMay("run");
  const add = (title: string, task: string): void => {
    void editor.edit(addSection(title, task)).then((done) => done && leave());
  };
  if (isLoading && isEmpty) return <Skeleton />;
  return (
    <PlanThread value={thread}>
      <div ref={panel} className={styles.panel}>
        <h2 className="unseen">{said.plan}</h2>
        {trouble && (
          <ProblemNotice
            problem={trouble}
            action={
              problem && (
                <Button small look="quiet" onClick={() => editor.dismiss()}>
                  {said.dismiss}
                </Button>
              )
            }
          />
        )}
        {!isEmpty && <Head plan={plan} />}
        {plan.sections.map((section, index) => (
          <PlanSection
            key={section.id}
            section={section}
            isFirst={index === 0}
            isLast={index === plan.sections.length - 1}
            busy={busy}
            ledger={ledger}
            onEdit={edit}
          />
        ))}
        <div ref={adding} className={styles.addSection}>
          {isAdding ? (
            <AddSection onAdd={add} onLeave={leave} />
          ) : isEmpty ? (
            <Empty icon={ListChecks}>
              <p>{said.empty}</p>
              {mayEdit && (
                <Button icon={Plus} autoFocus={isDue} onClick={open}>
                  {said.begin}
                </Button>
              )}
            </Empty>
          ) : !mayEdit ? null : (
            <Button look="quiet" small icon={Plus} autoFocus={isDue} onClick={open}>
              {said.addSection}
            </Button>
          )}
        </div>
      </div>
    </PlanThread>
  );
}

/** After a move from the keyboard the row has the focus at its new place. */
function useEditing(thread: ThreadStore, plan: PlanState) {
  const { api, threads, onUnauthorized } = useApp();
  const panel = useRef<HTMLDivElement>(null);
  const focused = useRef<string | null>(null);
  const editor = useMemo(() => {
    return new PlanEditor(api, thread, {
      isBegun: () => place.get().thread !== null,
      begun: () => {
        go({ thread: thread.id }, { replace: true });
        threads.refresh();
      },
      unauthorized: onUnauthorized,
    });
  }, [api, thread, threads, onUnauthorized]);
  const edit = useCallback(
    (make: PlanEdit, focus?: string): Promise<boolean> => {
      focused.current = focus ?? null;
      return editor.edit(make);
    },
    [editor],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is another plan in which the row stands elsewhere
  useLayoutEffect(() => {
    const task = focused.current;
    focused.current = null;
    // Only a focus that the move itself took away is given back.
    if (task === null || document.activeElement !== document.body) return;
    panel.current?.querySelector<HTMLElement>(`[data-task="${CSS.escape(task)}"] button`)?.focus();
  }, [plan]);
  return { editor, edit, panel };
}

function Head({ plan }: { plan: PlanState }) {
  const said = useWords(words);
  const { done, total } = progressOf(plan);
  const share = total === 0 ? 0 : done / total;
  return (
    <div className={styles.head}>
      <p className={styles.count}>
        <strong>
          {done}/{total}
        </strong>{" "}
        {said.completed}
      </p>
      <div
        className={styles.bar}
        role="progressbar"
        aria-label={said.plan}
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={done}
        data-done={share === 1 || undefined}
      >
        <span style={{ scale: `${share} 1` }} />
      </div>
    </div>
  );
}

function Skeleton() {
  return (
    <div className={styles.panel} aria-hidden="true">
      {[70, 52, 84, 60].map((width) => (
        <span key={width} className={styles.bone} style={{ width: `${width}%` }} />
      ))}
    </div>
  );
}
