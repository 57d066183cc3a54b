// One row of a list: name, state, details and actions. With `onOpen` the whole row opens its page; the buttons are
// above that.
import { ChevronRight } from "lucide-react";
import type { ReactNode } from "react";
import styles from "./row.module.css";

export function Row({
  title,
  badge,
  detail,
  actions,
  onOpen,
  isWhole = false,
  children,
}: {
  title: ReactNode;
  badge?: ReactNode;
  detail?: ReactNode;
  actions?: ReactNode;
  onOpen?: () => void;
  /** The title is a sentence, and never cut. */
  isWhole?: boolean;
  children?: ReactNode;
}) {
  return (
    <li className={styles.row}>
      <div className={styles.line}>
        <div className={styles.text}>
          <div className={styles.head}>
            {onOpen ? (
              <button type="button" className={styles.open} onClick={onOpen} dir="auto">
                {title}
              </button>
            ) : (
              <span className={isWhole ? styles.sentence : styles.title} dir="auto">
                {title}
              </span>
            )}
            {badge}
          </div>
          {detail && <div className={styles.detail}>{detail}</div>}
        </div>
        {actions && <div className={styles.actions}>{actions}</div>}
        {onOpen && <ChevronRight className={styles.chevron} size={16} aria-hidden="true" />}
      </div>
      {children}
    </li>
  );
}

export function Badge({ tone = "info", children }: { tone?: "info" | "good" | "warn" | "bad"; children: ReactNode }) {
  return <span className={`${styles.badge} ${styles[tone]}`}>{children}</span>;
}

/** Names with their values, on the page of one item. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className={styles.facts}>{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={styles.fact}>
      <dt>{name}</dt>
      <dd dir="auto">{children}</dd>
    </div>
  );
}

/** With its line breaks, as written. */
export function Text({ children }: { children: string }) {
  return <span className={styles.kept}>{children}</span>;
}
