// One section of the settings: heading, purpose, button for a new item, content. A section that shows one item has a
// way back to the list.
import { ArrowLeft } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { IconButton } from "../../parts/button.tsx";
import { useWords } from "../../state/words.ts";
import { words } from "../words.ts";
import styles from "./section.module.css";

export function Section({
  title,
  about,
  action,
  onBack,
  children,
}: {
  title: string;
  about?: ReactNode;
  action?: ReactNode;
  onBack?: () => void;
  children: ReactNode;
}) {
  const said = useWords(words);
  const section = useRef<HTMLElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const isInner = onBack !== undefined;
  // The pressed control is gone: the heading takes the focus so that screen readers announce the place, unless a field
  // already has it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another title is another page
  useEffect(() => {
    section.current?.parentElement?.scrollTo(0, 0);
    if (isInner && !section.current?.contains(document.activeElement)) heading.current?.focus({ preventScroll: true });
  }, [isInner, title]);
  return (
    <section ref={section} className={styles.section}>
      <header className={styles.head}>
        {onBack && <IconButton label={said.back} icon={ArrowLeft} onClick={onBack} />}
        <h3 ref={heading} tabIndex={-1} className={styles.title} dir="auto">
          {title}
        </h3>
        {action && <div className={styles.actions}>{action}</div>}
      </header>
      {about && <p className={styles.about}>{about}</p>}
      {children}
    </section>
  );
}

/** A part of the page of one item. */
export function Group({ title, action, children }: { title: string; action?: ReactNode; children: ReactNode }) {
  return (
    <div className={styles.group}>
      <header className={styles.head}>
        <h4 className={styles.groupTitle}>{title}</h4>
        {action}
      </header>
      {children}
    </div>
  );
}
