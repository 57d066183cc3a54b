// What the page shows beside its content: a notice, a problem with what to do about it, an empty state, a wait.
import { CircleAlert, CircleCheck, Info, type LucideIcon, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import type { Problem } from "../state/problem.ts";
import styles from "./notice.module.css";

const icons = { info: Info, warn: TriangleAlert, bad: CircleAlert, good: CircleCheck };

export function Notice({
  tone = "info",
  role = tone === "bad" ? "alert" : undefined,
  children,
  action,
}: {
  tone?: keyof typeof icons;
  role?: "alert" | undefined;
  children: ReactNode;
  action?: ReactNode;
}) {
  const Icon = icons[tone];
  return (
    <div className={`${styles.notice} ${styles[tone]}`} role={role}>
      <Icon size={16} aria-hidden="true" />
      <div className={styles.text}>{children}</div>
      {action}
    </div>
  );
}

export function ProblemNotice({ problem, action }: { problem: Problem; action?: ReactNode }) {
  return (
    <Notice tone={problem.isWait ? "warn" : "bad"} role="alert" action={action}>
      {problem.text}
      {problem.detail && <small className={styles.detail}>{problem.detail}</small>}
    </Notice>
  );
}

export function Empty({ icon: Icon, children }: { icon: LucideIcon; children: ReactNode }) {
  return (
    <div className={styles.empty}>
      <Icon size={28} strokeWidth={1.5} aria-hidden="true" />
      {children}
    </div>
  );
}

/** Decorative: the text beside it says the same. */
export function Spinner() {
  return <span className={styles.spinner} aria-hidden="true" />;
}
