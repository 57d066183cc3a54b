// The icon of a task's status, with its name for screen readers.
import { Circle, CircleCheck, CircleDot, CircleSlash } from "lucide-react";
import type { TaskStatus } from "../../protocol/plan/task.ts";
import styles from "./status-icon.module.css";

const icons = { pending: Circle, in_progress: CircleDot, completed: CircleCheck, cancelled: CircleSlash };

/** `works`: a run works on it now. */
export function StatusIcon({ status, works = false }: { status: TaskStatus; works?: boolean }) {
  if (status === "in_progress" && works) return <span className={styles.working} aria-hidden="true" />;
  const Icon = icons[status];
  return <Icon className={`${styles.icon} ${styles[status]}`} size={17} aria-hidden="true" />;
}
