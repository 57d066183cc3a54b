// One run: its outcome in a line; opened, its usage and its events.
import { ChevronRight } from "lucide-react";
import type { ReactNode } from "react";
import type { Run } from "../../protocol/run.ts";
import { Notice } from "../parts/notice.tsx";
import { useWords } from "../state/words.ts";
import styles from "./activity.module.css";
import type { ActivityRow, RunActivity } from "./activity-rows.ts";
import { activityWords } from "./activity-words.ts";
import { useFormats } from "./format.ts";

interface Card {
  run: Run;
  isOpen: boolean;
  activity: RunActivity | null;
  /** A task's text by its id. */
  tasks: ReadonlyMap<string, string>;
  onToggle(): void;
}

export function RunCard({ run, isOpen, activity, tasks, onToggle }: Card) {
  const said = useWords(activityWords);
  const formats = useFormats();
  const spent = run.usage.input_tokens + run.usage.output_tokens;
  const facts = [
    said.stepCount(run.steps),
    timeOf(run) === null ? null : formats.duration(timeOf(run) ?? 0),
    spent > 0 ? said.tokens(formats.count(spent)) : null,
    spent > 0 && run.usage.cost_usd !== null ? formats.money(run.usage.cost_usd) : null,
    run.background ? said.background : null,
  ];
  return (
    <li className={styles.run} data-status={run.status}>
      <button type="button" className={styles.runHead} aria-expanded={isOpen} onClick={onToggle}>
        <span className={styles.light} data-state={run.status} aria-hidden="true" />
        <span className={styles.status}>{said.statuses[run.status] ?? run.status}</span>
        <span className={styles.facts}>{facts.filter((fact) => fact !== null).join(" · ")}</span>
        <time className={styles.time} dateTime={run.created_at}>
          {formats.moment(Date.parse(run.created_at))}
        </time>
        <ChevronRight size={14} className={styles.turn} aria-hidden="true" />
      </button>
      {run.error && (
        <div className={styles.error}>
          <Notice tone="bad">
            {run.error.message} <code>{run.error.code}</code>
          </Notice>
        </div>
      )}
      {isOpen && (
        <div className={styles.details}>
          <Facts run={run} />
          <h4 className={styles.label}>{said.events}</h4>
          {activity === null ? (
            <p className={styles.remark}>{said.noEvents}</p>
          ) : (
            <Events activity={activity} tasks={tasks} />
          )}
        </div>
      )}
    </li>
  );
}

function timeOf({ started_at, finished_at }: Run): number | null {
  return started_at === null || finished_at === null ? null : Date.parse(finished_at) - Date.parse(started_at);
}

function Facts({ run }: { run: Run }) {
  const said = useWords(activityWords);
  const formats = useFormats();
  const { input_tokens, cached_input_tokens, output_tokens, cost_usd, estimated } = run.usage;
  const cached = cached_input_tokens > 0 ? `, ${said.cached(formats.count(cached_input_tokens))}` : "";
  const time = timeOf(run);
  const unfinished = run.result?.unfinished_tasks ?? 0;
  const facts: [string, ReactNode][] = [
    [said.agent, said.agentOf(run.agent_id, run.agent_version)],
    [said.model, run.model],
    [said.steps, formats.count(run.steps)],
    ...(time === null ? [] : [[said.duration, formats.duration(time)] as [string, string]]),
    [said.input, `${formats.count(input_tokens)}${cached}`],
    [said.output, formats.count(output_tokens)],
    ...(cost_usd === null ? [] : [[said.cost, formats.money(cost_usd)] as [string, string]]),
    ...(estimated === undefined ? [] : [[said.estimated, estimatedOf(estimated, said, formats)] as [string, string]]),
    ...(run.attempt > 1 ? [[said.attempts, formats.count(run.attempt)] as [string, string]] : []),
    [said.id, <code key="id">{run.invocation_id}</code>],
  ];
  return (
    <>
      <dl className={styles.table}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {unfinished > 0 && <p className={styles.remark}>{said.unfinished(unfinished)}</p>}
    </>
  );
}

/** What no provider counted: calls that broke off are charged at the most that they can have used. */
function estimatedOf(
  { calls, input_tokens, output_tokens, cost_usd }: NonNullable<Run["usage"]["estimated"]>,
  said: (typeof activityWords)["en"],
  formats: ReturnType<typeof useFormats>,
): string {
  const amount = cost_usd === null ? said.tokens(formats.count(input_tokens + output_tokens)) : formats.money(cost_usd);
  return said.estimatedOf(amount, calls);
}

function Events({ activity: { rows, omitted }, tasks }: { activity: RunActivity; tasks: Card["tasks"] }) {
  const said = useWords(activityWords);
  const formats = useFormats();
  return (
    <>
      {omitted > 0 && <p className={styles.remark}>{said.earlier(formats.count(omitted))}</p>}
      <ol className={styles.events}>
        {rows.map((row) => (
          <Event key={row.key} row={row} tasks={tasks} />
        ))}
      </ol>
    </>
  );
}

function Event({ row, tasks }: { row: ActivityRow; tasks: Card["tasks"] }) {
  const said = useWords(activityWords);
  const formats = useFormats();
  const subjects: Partial<Record<ActivityRow["kind"], string>> = {
    task: tasks.get(row.subject) ?? row.subject,
    taskDone: tasks.get(row.subject) ?? row.subject,
    finished: said.outcomes[row.subject as keyof typeof said.outcomes] ?? row.subject,
  };
  const subject = subjects[row.kind] ?? row.subject;
  return (
    <li className={styles.event} data-kind={row.kind} data-bad={row.isBad || undefined}>
      <span className={styles.kind}>{said.kinds[row.kind]}</span>
      <span className={styles.subject} dir="auto" title={subject}>
        {row.kind === "call" ? <code>{subject}</code> : subject}
        {row.count > 1 && <small> {said.times(formats.count(row.count))}</small>}
      </span>
      {row.at !== null && (
        <time className={styles.time} dateTime={new Date(row.at).toISOString()}>
          {formats.clock(row.at)}
        </time>
      )}
    </li>
  );
}
