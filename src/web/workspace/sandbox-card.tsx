// The sandbox's state in brief, with a button that starts or stops it.
import { Play, RotateCw, Square } from "lucide-react";
import { useState } from "react";
import { useMay } from "../app/may.tsx";
import { Button, IconButton } from "../parts/button.tsx";
import { ProblemNotice, Spinner } from "../parts/notice.tsx";
import type { ThreadStore } from "../state/thread-store.ts";
import { useWords } from "../state/words.ts";
import styles from "./activity.module.css";
import { Confirm } from "./confirm.tsx";
import { useFormats } from "./format.ts";
import { type Sandbox, useSandbox } from "./sandbox.ts";
import { sandboxWords } from "./words.ts";

export function SandboxCard({ thread, project, isShown }: { thread: ThreadStore; project: string; isShown: boolean }) {
  const said = useWords(sandboxWords);
  const { sandbox, order, problem, store } = useSandbox(thread, project, isShown);
  const [isAsking, setAsking] = useState(false);
  const mayGive = useMay("write");
  const isRunning = sandbox?.state === "started";
  const isMissing = sandbox?.state === "none" || sandbox?.state === "destroyed";
  const state =
    order === "start" ? said.starting : order === "stop" ? said.stopping : sandbox && sayState(sandbox, said);
  return (
    <section className={styles.sandbox} aria-label={said.title}>
      <div className={styles.sandboxRow}>
        {order || sandbox === null ? (
          <Spinner />
        ) : (
          <span className={styles.light} data-state={sandbox.state} aria-hidden="true" />
        )}
        <p className={styles.sandboxText} aria-live="polite">
          <strong>{said.title}</strong> {state ?? said.loading}
          <Facts sandbox={sandbox} />
        </p>
        <IconButton small label={said.look} icon={RotateCw} onClick={() => void store.read()} />
        {!mayGive ? null : isRunning ? (
          <Button small icon={Square} disabled={order !== null} onClick={() => setAsking(true)}>
            {said.stop}
          </Button>
        ) : (
          sandbox !== null && (
            <Button small icon={Play} disabled={order !== null} onClick={() => void store.give("start")}>
              {isMissing ? said.make : said.start}
            </Button>
          )
        )}
      </div>
      {problem && <ProblemNotice problem={problem} />}
      {isAsking && (
        <Confirm
          title={said.stopTitle}
          action={said.stop}
          cancel={said.cancel}
          onConfirm={() => void store.give("stop")}
          onClose={() => setAsking(false)}
        >
          {said.stopQuestion}
        </Confirm>
      )}
    </section>
  );
}

function sayState({ state, reason }: Sandbox, said: (typeof sandboxWords)["en"]): string {
  return [said.states[state] ?? state, reason].filter(Boolean).join(": ");
}

function Facts({ sandbox }: { sandbox: Sandbox | null }) {
  const said = useWords(sandboxWords);
  const formats = useFormats();
  if (!sandbox || sandbox.state === "none") return null;
  const { cpu, memory, disk, auto_stop_minutes: minutes } = sandbox;
  const facts = [
    cpu !== null && memory !== null && disk !== null
      ? said.resources(formats.count(cpu), formats.count(memory), formats.count(disk))
      : null,
    minutes ? said.autoStop(formats.duration(minutes * 60_000)) : null,
  ].filter((fact) => fact !== null);
  return facts.length === 0 ? null : <small>{facts.join(" · ")}</small>;
}
