// The plan in one line above the composer: its progress and the current task. A click opens the plan. While a run works,
// the line below the conversation says that.
import { ChevronRight } from "lucide-react";
import { panel, showPanel } from "../state/panel.ts";
import { useStore } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { useWords } from "../state/words.ts";
import styles from "./plan-strip.module.css";
import { progressOf } from "./progress.ts";
import { StatusIcon } from "./status-icon.tsx";
import { usePlan } from "./use-plan.ts";
import { words } from "./words.ts";

export function PlanStrip({ thread }: { thread: ThreadStore }) {
  const said = useWords(words);
  const plan = usePlan(thread);
  const busy = useStore(thread.view.shown, (view) => view.conversation.run.state === "running");
  const isShown = useStore(panel, ({ open, tab }) => open && tab === "plan");
  const { done, total, current } = progressOf(plan);
  // Hidden while the plan itself is visible.
  if (plan.sections.length === 0 || isShown || busy) return null;
  const text = current?.content ?? (total > 0 ? said.allDone : said.noneLeft);
  return (
    <button type="button" className={styles.strip} title={said.openPlan} onClick={() => showPanel("plan")}>
      <StatusIcon status={current?.status ?? "completed"} />
      <span className={styles.count}>
        <span className="unseen">{said.plan}: </span>
        {done}/{total}
      </span>
      <span className={styles.text} dir="auto">
        {text}
      </span>
      <ChevronRight size={15} aria-hidden="true" />
    </button>
  );
}
