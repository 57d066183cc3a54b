// One item of a conversation. Memoized: unchanged items are not drawn again, however fast the last one grows.
import { Brain, ChevronRight, CircleStop, TriangleAlert } from "lucide-react";
import { lazy, memo, Suspense, useContext, useState } from "react";
import type { Item, Why } from "../client/conversation.ts";
import { useWords } from "../state/words.ts";
import { AgainContext } from "./again-context.ts";
import { SourceList } from "./cited.tsx";
import { CopyButton } from "./copy-button.tsx";
import styles from "./item-view.module.css";
import { Edit, EditForm, Regenerate } from "./late-again.ts";
import { Markdown } from "./markdown.tsx";
import { ToolRow } from "./tool-row.tsx";
import { isEditable } from "./turns.ts";
import { words } from "./words.ts";

/** Where it can't be loaded, the server's own words stand. */
const Reason = lazy(() =>
  import("../costs/costs.tsx").then(
    ({ Reason }) => ({ default: Reason }),
    () => ({ default: ({ otherwise }: { why: Why; otherwise: string }) => <>{otherwise}</> }),
  ),
);

/** `turn`: the message of the turn that the item ends. */
export const ItemView = memo(function ItemView({ item, turn }: { item: Item; turn: string | undefined }) {
  switch (item.kind) {
    case "user":
      return <Said item={item} />;
    case "text":
      return <Answer item={item} turn={turn} />;
    case "reasoning":
      return <Reasoning item={item} />;
    case "tool":
      return <ToolRow item={item} />;
    case "end":
      return <End item={item} turn={turn} />;
  }
});

/** Shorter ones are brief remarks. */
const longAnswer = 160;

function Said({ item: { id, text } }: { item: Extract<Item, { kind: "user" }> }) {
  const { you } = useWords(words);
  const again = useContext(AgainContext);
  if (again !== null && again.editing === id) {
    return (
      <div className={styles.said}>
        <Suspense fallback={null}>
          <EditForm id={id} text={text} again={again} />
        </Suspense>
      </div>
    );
  }
  return (
    <div className={styles.said}>
      {again !== null && isEditable({ text }) && (
        <Suspense fallback={null}>
          <Edit id={id} again={again} />
        </Suspense>
      )}
      <span className="unseen">{you}</span>
      <div className={styles.bubble} dir="auto" data-said>
        {text}
      </div>
    </div>
  );
}

/** Asks the turn again. */
function AskAgain({ turn }: { turn: string | undefined }) {
  const again = useContext(AgainContext);
  if (again === null || turn === undefined) return null;
  return (
    <Suspense fallback={null}>
      <Regenerate turn={turn} again={again} />
    </Suspense>
  );
}

function Answer({ item, turn }: { item: Extract<Item, { kind: "text" }>; turn: string | undefined }) {
  const { copy } = useWords(words);
  return (
    <div
      className={styles.answer}
      data-answer={item.open ? "open" : "whole"}
      data-long={item.text.length > longAnswer || turn !== undefined || undefined}
    >
      <Markdown text={item.text} open={item.open} />
      {!item.open && <SourceList text={item.text} />}
      {!item.open && item.text !== "" && (
        <div className={styles.actions}>
          <CopyButton text={item.text} label={copy} />
          <AskAgain turn={turn} />
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

function End({ item, turn }: { item: Extract<Item, { kind: "end" }>; turn: string | undefined }) {
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
      <AskAgain turn={turn} />
    </div>
  );
}
