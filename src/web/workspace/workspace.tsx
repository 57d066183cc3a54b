// What the thread works on: its plan, the project's sandbox as terminal, files and previews, and what its runs did. A
// part with a state of its own (a shell, an open file, a framed page) stays mounted while another is shown.
import { Tabs } from "@base-ui/react/tabs";
import { Activity, FileText, Globe, ListChecks, type LucideIcon, SquareTerminal, X } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { words as frame } from "../app/words.ts";
import { IconButton } from "../parts/button.tsx";
import { PlanPanel } from "../plan/plan-panel.tsx";
import { type PanelTab, panel, panelTabs, showPanel, togglePanel } from "../state/panel.ts";
import { useStore } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { useWords } from "../state/words.ts";
import { useNewPreview } from "./new-preview.ts";
import type { PartProps } from "./part.ts";
import { previewWords } from "./words.ts";
import styles from "./workspace.module.css";

const TerminalPanel = lazy(() =>
  import("./terminal-panel.tsx").then(({ TerminalPanel }) => ({ default: TerminalPanel })),
);
const FilesPanel = lazy(() => import("./files-panel.tsx").then(({ FilesPanel }) => ({ default: FilesPanel })));
const PreviewPanel = lazy(() => import("./preview-panel.tsx").then(({ PreviewPanel }) => ({ default: PreviewPanel })));
const ActivityPanel = lazy(() =>
  import("./activity-panel.tsx").then(({ ActivityPanel }) => ({ default: ActivityPanel })),
);

const icons: Record<PanelTab, LucideIcon> = {
  plan: ListChecks,
  terminal: SquareTerminal,
  files: FileText,
  preview: Globe,
  activity: Activity,
};

const parts: Record<PanelTab, React.ComponentType<PartProps>> = {
  plan: PlanPanel,
  terminal: TerminalPanel,
  files: FilesPanel,
  preview: PreviewPanel,
  activity: ActivityPanel,
};

const lasting: readonly PanelTab[] = ["terminal", "files", "preview"];

export function Workspace({ thread }: { thread: ThreadStore }) {
  const said = useWords(frame);
  const { new: news } = useWords(previewWords);
  const { tab } = useStore(panel);
  const hasNews = useNewPreview(thread, tab === "preview");
  const [visited, setVisited] = useState<readonly PanelTab[]>([tab]);
  if (!visited.includes(tab)) setVisited([...visited, tab]);
  return (
    <Tabs.Root className={styles.workspace} value={tab} onValueChange={(next) => showPanel(next as PanelTab)}>
      <div className={styles.head}>
        <Tabs.List className={styles.tabs} aria-label={said.workspace}>
          {panelTabs.map((name) => {
            const Icon = icons[name];
            return (
              <Tabs.Tab key={name} value={name} className={styles.tab}>
                <Icon size={15} aria-hidden="true" />
                <span>{said.tabs[name]}</span>
                {name === "preview" && hasNews && (
                  <span className={styles.dot} title={news}>
                    <span className="unseen">{news}</span>
                  </span>
                )}
              </Tabs.Tab>
            );
          })}
        </Tabs.List>
        <IconButton label={said.closeWorkspace} icon={X} onClick={togglePanel} />
      </div>
      {panelTabs.map((name) => {
        const Part = parts[name];
        const isKept = lasting.includes(name) && visited.includes(name);
        return (
          <Tabs.Panel key={name} value={name} className={styles.part} keepMounted={isKept}>
            <Suspense fallback={null}>
              <Part thread={thread} isShown={tab === name} />
            </Suspense>
          </Tabs.Panel>
        );
      })}
    </Tabs.Root>
  );
}
