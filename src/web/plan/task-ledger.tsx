// The ledger of one task: counts, evidence, and the commands, files and links themselves.

import { CircleCheck, CircleDashed, Undo2 } from "lucide-react";
import type { ReactNode } from "react";
import type { TaskLedger } from "../../protocol/plan/ledger.ts";
import type { TaskStatus } from "../../protocol/plan/task.ts";
import { formatMoney } from "../client/money.ts";
import { readLink } from "../conversation/link.ts";
import { useWords } from "../state/words.ts";
import { formatCount } from "./format.ts";
import styles from "./task-ledger.module.css";
import { words } from "./words.ts";

export function TaskLedgerView({ ledger, status }: { ledger: TaskLedger; status: TaskStatus }) {
  const said = useWords(words);
  const { commands, files, links } = ledger;
  if (ledger.steps === 0 && ledger.calls === 0 && ledger.started_at === null) {
    return <p className={styles.quiet}>{said.nothing}</p>;
  }
  return (
    <>
      <Counts ledger={ledger} />
      <Evidence ledger={ledger} status={status} />
      <Listed title={said.commands} shown={commands.length} count={ledger.command_count}>
        {commands.map(({ tool_call_id, command, exit_code }) => (
          <li key={tool_call_id} className={styles.line}>
            <code className={styles.command} dir="ltr" title={command}>
              {command}
            </code>
            <Exit code={exit_code} />
          </li>
        ))}
      </Listed>
      <Listed title={said.files} shown={files.length} count={ledger.file_count}>
        {files.map(({ path, action }) => (
          <li key={path} className={styles.line}>
            <code className={styles.command} dir="ltr" title={path}>
              {path}
            </code>
            <span className={styles.chip}>{said.actions[action]}</span>
          </li>
        ))}
      </Listed>
      <Listed title={said.links} shown={links.length} count={ledger.link_count}>
        {links.map(({ port, url }) => (
          <li key={port} className={styles.line}>
            <Address url={url}>{said.port(port)}</Address>
          </li>
        ))}
      </Listed>
    </>
  );
}

function Counts({ ledger: { steps, calls, failed_calls, usage, started_at } }: { ledger: TaskLedger }) {
  const said = useWords(words);
  const count = (value: number): string => formatCount(value, said.locale);
  const begun =
    started_at === null
      ? null
      : new Date(started_at).toLocaleString(said.locale, { dateStyle: "medium", timeStyle: "short" });
  const cost = usage.cost_usd === null ? null : formatMoney(said.locale, usage.cost_usd);
  return (
    <dl className={styles.counts}>
      <Count name={said.steps}>{count(steps)}</Count>
      <Count name={said.calls}>
        {count(calls)}
        {failed_calls > 0 && <span className={styles.bad}> · {said.failed(count(failed_calls))}</span>}
      </Count>
      <Count name={said.tokens}>{said.tokensOf(count(usage.input_tokens), count(usage.output_tokens))}</Count>
      {cost !== null && <Count name={said.cost}>{cost}</Count>}
      {begun !== null && <Count name={said.started}>{begun}</Count>}
    </dl>
  );
}

function Count({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Before it has ended, nothing counts as missing. */
function Evidence({ ledger: { proven, challenged }, status }: { ledger: TaskLedger; status: TaskStatus }) {
  const said = useWords(words);
  const isUnproven = !proven && status === "completed";
  return (
    <>
      {proven && (
        <p className={`${styles.evidence} ${styles.good}`}>
          <CircleCheck size={14} aria-hidden="true" />
          {said.proven}
        </p>
      )}
      {isUnproven && (
        <p className={styles.evidence}>
          <CircleDashed size={14} aria-hidden="true" />
          {said.unproven}
        </p>
      )}
      {challenged && (
        <p className={styles.evidence}>
          <Undo2 size={14} aria-hidden="true" />
          {said.challenged}
        </p>
      )}
    </>
  );
}

function Listed({
  title,
  shown,
  count,
  children,
}: {
  title: string;
  shown: number;
  count: number;
  children: ReactNode;
}) {
  const said = useWords(words);
  if (shown === 0) return null;
  return (
    <div className={styles.listed}>
      <h4 className={styles.title}>
        {title}
        {count > shown && <small> {said.newestOf(shown, formatCount(count, said.locale))}</small>}
      </h4>
      <ul>{children}</ul>
    </div>
  );
}

function Exit({ code }: { code: number | null }) {
  const said = useWords(words);
  if (code === null) return <span className={styles.chip}>{said.exitUnknown}</span>;
  return (
    <span className={styles.chip} data-tone={code === 0 ? "good" : "bad"}>
      {said.exit(code)}
    </span>
  );
}

function Address({ url, children }: { url: string; children: ReactNode }) {
  const href = readLink(url);
  if (href === null) return <span>{children}</span>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  );
}
