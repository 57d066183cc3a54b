// What the thread's runs did, how long they took and what they cost; and the project's sandbox.
import { Activity } from "lucide-react";
import { useMemo, useState } from "react";
import { Button } from "../parts/button.tsx";
import { Empty, ProblemNotice } from "../parts/notice.tsx";
import { useStore } from "../state/store.ts";
import { useWords } from "../state/words.ts";
import styles from "./activity.module.css";
import { readActivity } from "./activity-rows.ts";
import { activityWords } from "./activity-words.ts";
import type { PartProps } from "./part.ts";
import { useProject } from "./project.ts";
import { RunCard } from "./run-card.tsx";
import { useRuns } from "./runs.ts";
import { SandboxCard } from "./sandbox-card.tsx";
import { Waiting } from "./waiting.tsx";

export function ActivityPanel({ thread, isShown }: PartProps) {
  const said = useWords(activityWords);
  const project = useProject(thread);
  const { runs, hasOlder, isBusy, problem, readOlder } = useRuns(thread, isShown);
  const isLoading = useStore(thread.view.shown, ({ phase }) => phase === "loading");
  const activity = useStore(thread.view.shown, (view) => view.activity);
  const plan = useStore(thread.view.shown, (view) => view.conversation.state.plan);
  const tasks = useMemo(
    () => new Map(plan.sections.flatMap((section) => section.tasks.map(({ id, content }) => [id, content] as const))),
    [plan],
  );
  const newest = runs[0]?.invocation_id;
  /** The newest run is open until somebody closes it. */
  const [toggled, setToggled] = useState<Readonly<Record<string, boolean>>>({});
  const isOpen = (run: string): boolean => toggled[run] ?? run === newest;
  const started = runs.flatMap((run) =>
    run.started_at === null ? [] : [[run.invocation_id, Date.parse(run.started_at)] as const],
  );
  const read = readActivity(activity, new Map(started));
  if (runs.length === 0) {
    if (isLoading) return <Waiting>{said.loading}</Waiting>;
    return (
      <Empty icon={Activity}>
        <p>{said.none}</p>
      </Empty>
    );
  }
  return (
    <div className={styles.panel}>
      {project.phase === "ready" && <SandboxCard thread={thread} project={project.id} isShown={isShown} />}
      <h3 className={styles.heading}>{said.runs}</h3>
      <ol className={styles.runs}>
        {runs.map((run) => (
          <RunCard
            key={run.invocation_id}
            run={run}
            isOpen={isOpen(run.invocation_id)}
            activity={read.find((each) => each.run === run.invocation_id) ?? null}
            tasks={tasks}
            onToggle={() => setToggled({ ...toggled, [run.invocation_id]: !isOpen(run.invocation_id) })}
          />
        ))}
      </ol>
      {problem && <ProblemNotice problem={problem} />}
      {hasOlder && (
        <Button small disabled={isBusy} onClick={readOlder}>
          {isBusy ? said.loading : said.older}
        </Button>
      )}
    </div>
  );
}
