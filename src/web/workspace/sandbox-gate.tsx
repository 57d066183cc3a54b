// Renders its children only while the sandbox runs; otherwise it says why it does not, with a button that starts it.
// Nothing inside sends a request to the sandbox before that, because a request starts it.
import { Box } from "lucide-react";
import type { ReactNode } from "react";
import { May } from "../app/may.tsx";
import { Button } from "../parts/button.tsx";
import { Empty, ProblemNotice } from "../parts/notice.tsx";
import type { ThreadStore } from "../state/thread-store.ts";
import { useWords } from "../state/words.ts";
import { type ProjectState, useProject } from "./project.ts";
import styles from "./sandbox.module.css";
import { useSandbox } from "./sandbox.ts";
import { Waiting } from "./waiting.tsx";
import { sandboxWords } from "./words.ts";

interface Gate {
  thread: ThreadStore;
  isShown: boolean;
  children: (project: string) => ReactNode;
}

export function SandboxGate({ thread, isShown, children }: Gate) {
  const project = useProject(thread);
  if (project.phase !== "ready") return <NoProject project={project} />;
  return (
    <Running key={project.id} project={project.id} thread={thread} isShown={isShown}>
      {children}
    </Running>
  );
}

function NoProject({ project }: { project: Exclude<ProjectState, { phase: "ready" }> }) {
  const said = useWords(sandboxWords);
  if (project.phase === "loading") return <Waiting>{said.loading}</Waiting>;
  if (project.phase === "failed") {
    const action = (
      <Button small onClick={project.retry}>
        {said.look}
      </Button>
    );
    return (
      <div className={styles.pad}>
        <ProblemNotice problem={project.problem} action={action} />
      </div>
    );
  }
  return (
    <Empty icon={Box}>
      <p>{said.notThere}</p>
    </Empty>
  );
}

function Running({ project, thread, isShown, children }: Gate & { project: string }) {
  const said = useWords(sandboxWords);
  const { sandbox, order, problem, store } = useSandbox(thread, project, isShown);
  if (sandbox?.state === "started" && order === null) return children(project);
  if (sandbox === null) {
    if (problem === null) return <Waiting>{said.loading}</Waiting>;
    return (
      <div className={styles.pad}>
        <ProblemNotice
          problem={problem}
          action={
            <Button small onClick={() => void store.read()}>
              {said.look}
            </Button>
          }
        />
      </div>
    );
  }
  if (order !== null) return <Waiting>{order === "start" ? said.starting : said.stopping}</Waiting>;
  const texts: Record<string, string> = {
    none: said.none,
    destroyed: said.none,
    stopped: said.stopped,
    archived: said.archived,
    error: said.error,
    build_failed: said.error,
  };
  const text = texts[sandbox.state];
  return (
    <Empty icon={Box}>
      <p>{text ?? said.passing}</p>
      {sandbox.reason && <p>{sandbox.reason}</p>}
      {text === undefined ? (
        <Button onClick={() => void store.read()}>{said.look}</Button>
      ) : (
        <May scope="write">
          <Button look="primary" onClick={() => void store.give("start")}>
            {sandbox.state === "none" || sandbox.state === "destroyed" ? said.make : said.start}
          </Button>
        </May>
      )}
      {problem && <ProblemNotice problem={problem} />}
    </Empty>
  );
}
