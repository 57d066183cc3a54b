// Above the conversation: its title, which services are stand-ins, and the buttons for the side panels.
import { Menu, PanelRightClose, PanelRightOpen, SquarePen } from "lucide-react";
import { IconButton } from "../parts/button.tsx";
import { panel, togglePanel } from "../state/panel.ts";
import { go } from "../state/place.ts";
import { useStore } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { useWords } from "../state/words.ts";
import { useApp } from "./context.ts";
import { May } from "./may.tsx";
import { StandIns } from "./stand-ins.tsx";
import styles from "./top-bar.module.css";
import { useTitle } from "./use-title.ts";
import { words } from "./words.ts";

export function TopBar({ thread, onMenu }: { thread: ThreadStore | null; onMenu: () => void }) {
  const said = useWords(words);
  const { threads } = useApp();
  const { open } = useStore(panel);
  const title = useStore(threads.view, (view) => view.threads.find(({ thread_id }) => thread_id === thread?.id)?.title);
  useTitle(thread, title);
  return (
    <header className={styles.bar}>
      <div className={styles.row}>
        <span className={styles.menu}>
          <IconButton label={said.menu} icon={Menu} onClick={onMenu} />
        </span>
        <span className={styles.title}>{title && <h2 dir="auto">{title}</h2>}</span>
        <StandIns />
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
    </header>
  );
}
