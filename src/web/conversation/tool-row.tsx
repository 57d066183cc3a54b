// One tool call as one line: what it did, to what, and its outcome. Opened it shows the content: a command with its
// live output, a file as written, an edit as removed and added lines.
import {
  ChevronRight,
  CircleAlert,
  FileText,
  FolderSearch,
  GitBranch,
  Globe,
  type LucideIcon,
  MessageCircleQuestion,
  SquareTerminal,
  Wrench,
} from "lucide-react";
import { lazy, memo, Suspense, useState } from "react";
import { describeCall } from "../client/tool-title.ts";
import { Spinner } from "../parts/notice.tsx";
import { useWords } from "../state/words.ts";
import { isForModel, isMade, type Outcome, readOutcome, type ToolItem } from "./tool-item.ts";
import styles from "./tool-row.module.css";
import { words } from "./words.ts";

const ToolDetails = lazy(() => import("./tool-details.tsx").then(({ ToolDetails }) => ({ default: ToolDetails })));

export const ToolRow = memo(function ToolRow({ item }: { item: ToolItem }) {
  const [isOpen, setOpen] = useState(false);
  const said = useWords(words);
  const { verb, subject } = describeCall(item.name, item.arguments);
  const Icon = iconOf(item.name);
  const outcome = readOutcome(item);
  return (
    <div className={styles.call} data-state={outcome.state} data-tool={item.name}>
      <button type="button" className={styles.row} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Icon size={15} aria-hidden="true" className={styles.icon} />
        <span className={styles.verb}>{(isMade(outcome) ? said.tools : said.doing)[verb] ?? verb}</span>
        <span className={styles.subject} dir="ltr">
          {item.name === "ask" && outcome.state === "done" ? `${subject} → ${item.result}` : subject}
        </span>
        <span className={styles.outcome}>
          {outcome.state === "open" && <Spinner />}
          {outcome.state === "failed" && <CircleAlert size={14} aria-hidden="true" />}
          <span className={outcome.state === "open" || outcome.state === "done" ? "unseen" : undefined}>
            {sayOutcome(outcome, said)}
          </span>
        </span>
        <ChevronRight size={14} aria-hidden="true" className={styles.turn} />
      </button>
      {isOpen && (
        <Suspense fallback={null}>
          <ToolDetails item={item} />
        </Suspense>
      )}
    </div>
  );
});

function sayOutcome(outcome: Outcome, said: (typeof words)["en"]): string {
  const { state, exitCode } = outcome;
  if (isForModel(outcome)) return said.unmade[outcome.state];
  if (state === "open") return said.running;
  if (state === "left") return said.left;
  if (state === "done") return said.done;
  return exitCode === null ? said.isError : said.exit(exitCode);
}

function iconOf(name: string): LucideIcon {
  if (name === "fetch_url") return Globe;
  if (name.includes("command")) return SquareTerminal;
  if (/^(list|find|search)_/.test(name)) return FolderSearch;
  if (name.endsWith("_file")) return FileText;
  if (name.startsWith("git_")) return GitBranch;
  if (name === "ask") return MessageCircleQuestion;
  return name === "expose_port" || name === "web_search" ? Globe : Wrench;
}
