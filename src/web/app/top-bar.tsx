// Above the conversation: its title, which services are stand-ins, and the buttons for the side panels.
import { Menu, PanelRightClose, PanelRightOpen, SquarePen } from "lucide-react";
import { useEffect } from "react";
import { IconButton } from "../parts/button.tsx";
import { health, readHealth } from "../state/health.ts";
import { panel, togglePanel } from "../state/panel.ts";
import { go } from "../state/place.ts";
import { useStore } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { useWords } from "../state/words.ts";
import { useApp } from "./context.ts";
import { May } from "./may.tsx";
import styles from "./top-bar.module.css";
import { words } from "./words.ts";

export function TopBar({ thread, onMenu }: { thread: ThreadStore | null; onMenu: () => void }) {
  const said = useWords(words);
  const { threads } = useApp();
  const { open } = useStore(panel);
  const title = useStore(threads.view, (view) => view.threads.find(({ thread_id }) => thread_id === thread?.id)?.title);
  useEffect(() => {
    document.title = title ? `${title} · Taskloom` : "Taskloom";
  }, [title]);
  return (
    <header className={styles.bar}>
      <div className={styles.row}>
        <span className={styles.menu}>
          <IconButton label={said.menu} icon={Menu} onClick={onMenu} />
        </span>
        <span className={styles.title}>{title && <h2 dir="auto">{title}</h2>}</span>
        <May scope="run">
          <span className={styles.menu}>
            <IconButton label={said.newThread} icon={SquarePen} onClick={() => go({ thread: null })} />
          </span>
        </May>
        <IconButton
          label={open ? said.closeWorkspace : said.openWorkspace}
          icon={open ? PanelRightClose : PanelRightOpen}
          aria-expanded={open}
          onClick={togglePanel}
        />
      </div>
      <StandIns />
    </header>
  );
}

/** Every stand-in service is labelled as one. */
export function StandIns() {
  const said = useWords(words);
  const names = useStore(health, (found) => found?.stand_ins) ?? [];
  useEffect(() => {
    // Another part of the page reports that the server can't be reached.
    readHealth().catch(() => {});
  }, []);
  const known: Record<string, { notice: string; hint: string }> = {
    model: { notice: said.scriptedModel, hint: said.scriptedModelHint },
    sandbox: { notice: said.localSandbox, hint: said.localSandboxHint },
    search: { notice: said.sampleSearch, hint: said.sampleSearchHint },
  };
  const notices = names.flatMap((name) => known[name] ?? []);
  if (notices.length === 0) return null;
  return (
    <div className={styles.notices} role="note">
      {notices.map(({ notice, hint }) => (
        <span key={notice} title={hint}>
          {notice} <span className={styles.hint}>{hint}</span>
        </span>
      ))}
    </div>
  );
}
