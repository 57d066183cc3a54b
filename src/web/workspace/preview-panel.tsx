// Shows what runs on the project's ports, in a frame that can't reach the surrounding page.
import { Globe } from "lucide-react";
import { useState } from "react";
import { Locked, May, useMay } from "../app/may.tsx";
import { Button } from "../parts/button.tsx";
import { Empty, Notice, ProblemNotice } from "../parts/notice.tsx";
import { useWords } from "../state/words.ts";
import type { PartProps } from "./part.ts";
import { PortForm } from "./port-form.tsx";
import styles from "./preview.module.css";
import { PreviewBar, type PreviewSize } from "./preview-bar.tsx";
import { PreviewFrame } from "./preview-frame.tsx";
import { frameOf, type Previews, usePreviews } from "./previews.ts";
import { useProject } from "./project.ts";
import { useLinger } from "./refresh.ts";
import { Waiting } from "./waiting.tsx";
import { previewWords } from "./words.ts";

const keptMs = 60_000;

export function PreviewPanel(part: PartProps) {
  return useMay("run") ? <Links {...part} /> : <Locked scope="run" />;
}

function Links({ thread, isShown }: PartProps) {
  const said = useWords(previewWords);
  const project = useProject(thread);
  const previews = usePreviews(thread, project.phase === "ready" ? project.id : null, isShown);
  if (project.phase === "failed" && previews.previews?.length === 0) {
    return (
      <div className={styles.pad}>
        <ProblemNotice problem={project.problem} action={<Retry onClick={project.retry} />} />
      </div>
    );
  }
  if (project.phase === "none") return <Nothing>{said.noneYet}</Nothing>;
  if (previews.previews === null || (project.phase === "loading" && previews.previews.length === 0)) {
    return <Waiting>{said.loading}</Waiting>;
  }
  if (previews.previews.length === 0) return <NoPreviews previews={previews} />;
  return <Shown previews={previews} isShown={isShown} />;
}

function Retry({ onClick }: { onClick: () => void }) {
  const { reload } = useWords(previewWords);
  return (
    <Button small onClick={onClick}>
      {reload}
    </Button>
  );
}

function Nothing({ children }: { children: string }) {
  return (
    <Empty icon={Globe}>
      <p>{children}</p>
    </Empty>
  );
}

function NoPreviews({ previews }: { previews: Previews }) {
  const said = useWords(previewWords);
  return (
    <Empty icon={Globe}>
      <p>{said.none}</p>
      <May scope="write">
        <div className={styles.own}>
          <p>{said.ownPort}</p>
          <PortForm onExpose={previews.expose} />
        </div>
      </May>
      {previews.problem && <ProblemNotice problem={previews.problem} />}
    </Empty>
  );
}

function Shown({ previews: { previews, problem, expose, revoke }, isShown }: { previews: Previews; isShown: boolean }) {
  const said = useWords(previewWords);
  // A hidden page would keep working and sending requests, so it is unloaded.
  const isKept = useLinger(isShown, keptMs);
  const [chosen, setChosen] = useState<number | null>(null);
  const [size, setSize] = useState<PreviewSize>("full");
  const [isAdding, setAdding] = useState(false);
  const [reloads, setReloads] = useState(0);
  const list = previews ?? [];
  // The last port is the one that the run most likely speaks of; no better order is known.
  const shown = list.find(({ port }) => port === chosen) ?? list.at(-1);
  if (!shown) return null;
  const frame = frameOf(shown.url, location.origin);
  return (
    <div className={styles.panel}>
      <PreviewBar
        previews={list}
        shown={shown}
        size={size}
        isAdding={isAdding}
        onChoose={setChosen}
        onSize={setSize}
        onReload={() => setReloads(reloads + 1)}
        onAdd={() => setAdding(!isAdding)}
        onRevoke={revoke}
      />
      {(isAdding || problem) && (
        <div className={styles.more}>
          {isAdding && (
            <PortForm
              onExpose={async (port) => {
                const done = await expose(port);
                if (done) {
                  setChosen(port);
                  setAdding(false);
                }
                return done;
              }}
              onCancel={() => setAdding(false)}
            />
          )}
          {problem && <ProblemNotice problem={problem} />}
        </div>
      )}
      {frame === null ? (
        <div className={styles.pad}>
          <Notice tone="warn">{said.unsafe}</Notice>
        </div>
      ) : (
        isKept && <PreviewFrame key={`${shown.url} ${reloads}`} {...frame} title={said.frame(shown.port)} size={size} />
      )}
    </div>
  );
}
