// A code block: its language, a copy button, and syntax colours once it is complete. The grammars load when the first
// block needs them.
import type { Root, RootContent } from "hast";
import { memo, type ReactNode, useEffect, useState } from "react";
import styles from "./code.module.css";
import { CopyButton } from "./copy-button.tsx";

/** A longer text takes noticeable time to colour, and is no snippet. */
const maxColouredCharacters = 60_000;

export const Code = memo(function Code({
  text,
  language,
  title,
  open = false,
}: {
  text: string;
  language: string;
  title?: string;
  open?: boolean;
}) {
  // The info string may have notes after the language.
  const name = language.trim().split(/\s/)[0] ?? "";
  return (
    <figure className={styles.code}>
      <figcaption className={styles.head}>
        <span className={styles.name}>{title ?? name}</span>
        <CopyButton text={text} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines are scrolled with the keyboard too */}
      <pre className={styles.text} tabIndex={0} dir="ltr">
        <Colours text={text} language={name} open={open} />
      </pre>
    </figure>
  );
});

/** The text in colours where its language is known, otherwise plain. */
export function Colours({ text, language, open = false }: { text: string; language: string; open?: boolean }) {
  const [tree, setTree] = useState<{ text: string; root: Root } | null>(null);
  const wanted = !open && language !== "" && text.length <= maxColouredCharacters;
  useEffect(() => {
    if (!wanted) return;
    let isCurrent = true;
    import("./highlight.ts")
      .then(({ highlight }) => {
        const root = highlight(text, language);
        if (isCurrent && root) setTree({ text, root });
      })
      .catch(() => {
        // It is readable without colours.
      });
    return () => {
      isCurrent = false;
    };
  }, [text, language, wanted]);
  return <code>{tree?.text === text ? tree.root.children.map(drawNode) : text}</code>;
}

function drawNode(node: RootContent, key: number): ReactNode {
  if (node.type === "text") return node.value;
  if (node.type !== "element") return null;
  const names = node.properties.className;
  const className = Array.isArray(names) ? names.map((name) => styles[String(name)] ?? "").join(" ") : undefined;
  return (
    <span key={key} className={className}>
      {node.children.map(drawNode)}
    </span>
  );
}
