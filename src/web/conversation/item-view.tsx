// One item of a conversation. Memoized: unchanged items are not drawn again, however fast the last one grows.
import { Brain, ChevronRight, CircleStop, TriangleAlert } from "lucide-react";
import { lazy, memo, Suspense, useState } from "react";
import type { Item, Why } from "../client/conversation.ts";
import { useWords } from "../state/words.ts";
import { SourceList } from "./cited.tsx";
import { CopyButton } from "./copy-button.tsx";
import styles from "./item-view.module.css";
import { Markdown } from "./markdown.tsx";
import { ToolRow } from "./tool-row.tsx";
import { words } from "./words.ts";

/** Where it can't be loaded, the server's own words stand. */
const Reason = lazy(() =>
  import("../costs/costs.tsx").then(
    ({ Reason }) => ({ default: Reason }),
    () => ({ default: ({ otherwise }: { why: Why; otherwise: string }) => <>{otherwise}</> }),
  ),
);

export const ItemView = memo(function ItemView({ item }: { item: Item }) {
  switch (item.kind) {
    case "user":
      return <Said text={item.text} />;
    case "text":
      return <Answer item={item} />;
    case "reasoning":
      return <Reasoning item={item} />;
    case "tool":
      return <ToolRow item={item} />;
    case "end":
      return <End item={item} />;
  }
});

/** Shorter ones are brief remarks. */
const longAnswer = 160;

function Said({ text }: { text: string }) {
  const { you } = useWords(words);
  return (
    <div className={styles.said}>
      <span className="unseen">{you}</span>
      <div className={styles.bubble} dir="auto" data-said>
        {text}
      </div>
    </div>
  );
}

function Answer({ item }: { item: Extract<Item, { kind: "text" }> }) {
  const { copy } = useWords(words);
  return (
    <div
      className={styles.answer}
      data-answer={item.open ? "open" : "whole"}
      data-long={item.text.length > longAnswer || undefined}
    >
      <Markdown text={item.text} open={item.open} />
      {!item.open && <SourceList text={item.text} />}
      {!item.open && item.text !== "" && (
        <div className={styles.actions}>
          <CopyButton text={item.text} label={copy} />
        </div>
      )}
    </div>
  );
}

function Reasoning({ item }: { item: Extract<Item, { kind: "reasoning" }> }) {
  const [isOpen, setOpen] = useState(false);
  const said = useWords(words);
  return (
    <div className={styles.reasoning}>
      <button type="button" className={styles.fold} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Brain size={14} aria-hidden="true" />
        {item.open ? said.thinkingNow : said.thinking}
        <ChevronRight size={14} aria-hidden="true" />
      </button>
      {isOpen && (
        <div className={styles.thoughts} dir="auto">
          {item.text}
        </div>
      )}
    </div>
  );
}

function End({ item }: { item: Extract<Item, { kind: "end" }> }) {
  const said = useWords(words);
  const Icon = item.state === "failed" ? TriangleAlert : CircleStop;
  const { error, code = "" } = item;
  const plain = `${item.state === "failed" ? said.failed : said.cancelled}${error ? `: ${error}` : ""}`;
  return (
    <div className={styles.end} data-end={item.state}>
      <Icon size={15} aria-hidden="true" />
      <span>
        {/^(budget|price)/.test(code) ? (
          <Suspense fallback={plain}>
            <Reason why={item} otherwise={plain} />
          </Suspense>
        ) : (
          plain
        )}
        {item.unfinished > 0 && ` · ${said.unfinished(item.unfinished)}`}
      </span>
    </div>
  );
}
