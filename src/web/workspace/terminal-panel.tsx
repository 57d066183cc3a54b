// The terminal tab: the output of the agent's commands, and a shell for the person.
import { SquareTerminal } from "lucide-react";
import { useState } from "react";
import { Locked, useMay } from "../app/may.tsx";
import { Button } from "../parts/button.tsx";
import { Empty, ProblemNotice, Spinner } from "../parts/notice.tsx";
import { useStore } from "../state/store.ts";
import { useWords } from "../state/words.ts";
import { LiveTerminal } from "./live-terminal.tsx";
import { isCommand } from "./live-transcript.ts";
import type { PartProps } from "./part.ts";
import { useProject } from "./project.ts";
import { Shell } from "./shell.tsx";
import styles from "./terminal.module.css";
import { sandboxWords, terminalWords } from "./words.ts";

const parts = ["live", "shell"] as const;

export function TerminalPanel({ thread, isShown }: PartProps) {
  const said = useWords(terminalWords);
  const [part, setPart] = useState<(typeof parts)[number]>("live");
  const [wasShell, setWasShell] = useState(false);
  return (
    <div className={styles.panel}>
      <div className={styles.head}>
        <fieldset className={styles.parts} aria-label={said.parts}>
          {parts.map((name) => (
            <button
              key={name}
              type="button"
              className={styles.choice}
              aria-pressed={name === part}
              onClick={() => {
                setPart(name);
                if (name === "shell") setWasShell(true);
              }}
            >
              {said[name]}
            </button>
          ))}
        </fieldset>
        <p className={styles.about}>{part === "live" ? said.liveLabel : said.shellLabel}</p>
      </div>
      <div className={styles.body} hidden={part !== "live"}>
        <Live thread={thread} />
      </div>
      {wasShell && (
        <div className={styles.body} hidden={part !== "shell"}>
          <OwnShell thread={thread} isShown={isShown && part === "shell"} />
        </div>
      )}
    </div>
  );
}

function Live({ thread }: Pick<PartProps, "thread">) {
  const said = useWords(terminalWords);
  const hasCommands = useStore(thread.view.shown, (view) => view.conversation.items.some(isCommand));
  if (hasCommands) return <LiveTerminal thread={thread} />;
  return (
    <Empty icon={SquareTerminal}>
      <p>{said.noCommands}</p>
    </Empty>
  );
}

function OwnShell({ thread, isShown }: PartProps) {
  const said = useWords(terminalWords);
  const { look } = useWords(sandboxWords);
  const project = useProject(thread);
  if (!useMay("write")) return <Locked scope="write" />;
  if (project.phase === "ready") return <Shell key={project.id} project={project.id} isShown={isShown} />;
  if (project.phase === "failed") {
    return (
      <div className={styles.pad}>
        <ProblemNotice
          problem={project.problem}
          action={
            <Button small onClick={project.retry}>
              {look}
            </Button>
          }
        />
      </div>
    );
  }
  return (
    <Empty icon={SquareTerminal}>
      {project.phase === "loading" ? <Spinner /> : null}
      <p>{project.phase === "loading" ? said.loading : said.noProject}</p>
    </Empty>
  );
}
