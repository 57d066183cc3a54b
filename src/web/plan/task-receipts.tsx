// What was seen each time that a task's checks ran: when and how long, how it ended, both ends of the output, and what
// changed. Outputs come from the sandbox: they are data, and are shown as they are.
import { Circle, CircleCheck, CircleX } from "lucide-react";
import { useState } from "react";
import type { Receipt } from "../../protocol/plan/check.ts";
import { describeCheck } from "../client/check-lines.ts";
import { ProblemNotice, Spinner } from "../parts/notice.tsx";
import { useWords } from "../state/words.ts";
import { formatCount } from "./format.ts";
import { words } from "./receipt-words.ts";
import styles from "./task-receipts.module.css";
import { useReceipts } from "./use-receipts.ts";

/** Nobody reads on below these, and the API has them. */
const maxShown = 20;

const icons = { passed: CircleCheck, failed: CircleX, not_run: Circle };

/** `mark` changes when checks have run. Closed, it asks for nothing. */
export function TaskReceipts({ task, mark }: { task: string; mark: string }) {
  const said = useWords(words);
  const [isOpen, setOpen] = useState(false);
  return (
    <details className={styles.receipts} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{said.seen}</summary>
      {isOpen && <List task={task} mark={mark} />}
    </details>
  );
}

function List({ task, mark }: { task: string; mark: string }) {
  const said = useWords(words);
  const { receipts, problem } = useReceipts(task, mark);
  if (problem) return <ProblemNotice problem={problem} />;
  if (receipts === null)
    return (
      <p className={styles.quiet}>
        <Spinner /> {said.reading}
      </p>
    );
  if (receipts.length === 0) return <p className={styles.quiet}>{said.none}</p>;
  return (
    <ol className={styles.list}>
      {receipts.slice(0, maxShown).map((receipt) => (
        <Item key={receipt.receipt_id} receipt={receipt} />
      ))}
    </ol>
  );
}

function Item({ receipt }: { receipt: Receipt }) {
  const said = useWords(words);
  const { spec, outcome, reason, exit_code, invocation_id, changed_files = [], altered_files = [] } = receipt;
  const Icon = icons[outcome];
  const facts = [
    new Date(receipt.started_at).toLocaleString(said.locale, { dateStyle: "medium", timeStyle: "medium" }),
    ...(spec.type === "person" ? [] : [said.took(receipt.duration_ms / 1000)]),
    ...(exit_code === null ? [] : [said.exit(exit_code)]),
    invocation_id === null ? said.byPerson : said.byRun,
  ];
  return (
    <li className={styles.item} data-outcome={outcome}>
      <p className={styles.head}>
        <Icon size={14} role="img" aria-label={said.outcomes[outcome]} />
        <span className={styles.text} dir="auto">
          {describeCheck(spec, said.locale === "zh-CN")}
        </span>
      </p>
      <p className={styles.reason} dir="auto">
        {reason}
      </p>
      <p className={styles.facts}>{facts.join(" · ")}</p>
      <Files title={said.changed} files={changed_files} />
      <Files title={said.altered} files={altered_files} />
      {spec.type !== "person" && <Output receipt={receipt} />}
    </li>
  );
}

function Files({ title, files }: { title: string; files: string[] }) {
  if (files.length === 0) return null;
  return (
    <p className={styles.files}>
      {title}{" "}
      {files.map((file) => (
        <code key={file} dir="ltr">
          {file}
        </code>
      ))}
    </p>
  );
}

function Output({ receipt: { output_head, output_tail, output_bytes } }: { receipt: Receipt }) {
  const said = useWords(words);
  if (output_bytes === 0) return null;
  return (
    <details className={styles.output}>
      <summary>{said.output(formatCount(output_bytes, said.locale))}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also from the keyboard */}
      <section className={styles.kept} dir="ltr" tabIndex={0} aria-label={said.outputOf}>
        <pre>
          {output_head}
          {output_tail !== "" && `\n[…]\n${output_tail}`}
        </pre>
      </section>
    </details>
  );
}
