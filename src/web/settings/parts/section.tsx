// One section of the settings: its heading, what it is for, what can be made in it, and its matter. A section that shows one thing of
// its list has a way back to the list.
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
  // What was pressed to come here is gone: whoever listens is told where they are, unless a field has taken the focus already.
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

/** A part of what is shown of one thing. */
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
