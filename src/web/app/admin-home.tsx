// The page of a key that may not read conversations: what it may do, and where.
import { ChartColumn, LockKeyhole, Menu, ScrollText, Users } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { Button, IconButton } from "../parts/button.tsx";
import { ErrorBoundary } from "../parts/error-boundary.tsx";
import { Empty } from "../parts/notice.tsx";
import { words as settingsWords } from "../settings/words.ts";
import { go, place } from "../state/place.ts";
import { useStore } from "../state/store.ts";
import { defineWords, useWords } from "../state/words.ts";
import { Sidebar } from "../threads/sidebar.tsx";
import styles from "./home.module.css";
import { Locked, useMay } from "./may.tsx";
import { StandIns } from "./stand-ins.tsx";
import barStyles from "./top-bar.module.css";
import { words as frame } from "./words.ts";

const words = defineWords(
  {
    hint: "To use conversations, sign in with a key that can read and run.",
    openMenu: "Account and settings",
  },
  { hint: "如需使用对话，请换用可查看和运行的密钥登录。", openMenu: "账户和设置" },
);

const Settings = lazy(() => import("../settings/settings.tsx").then(({ Settings }) => ({ default: Settings })));

export function AdminHome() {
  const said = useWords(words);
  const mayAdmin = useMay("admin");
  const { settings } = useStore(place);
  const [isMenuOpen, setMenuOpen] = useState(false);
  return (
    <div className={styles.home} data-menu={isMenuOpen || undefined}>
      <nav className={styles.side}>
        <Sidebar onSearch={() => {}} onClose={() => setMenuOpen(false)} />
      </nav>
      {isMenuOpen && <div className={styles.veil} onClick={() => setMenuOpen(false)} aria-hidden="true" />}
      <main className={styles.main}>
        <header className={barStyles.bar}>
          <div className={barStyles.row}>
            <span className={barStyles.menu}>
              <IconButton label={said.openMenu} icon={Menu} onClick={() => setMenuOpen(true)} />
            </span>
            <span className={barStyles.title} />
            <StandIns />
          </div>
        </header>
        {mayAdmin ? <Panels /> : <Locked scope="read" />}
      </main>
      <ErrorBoundary key={String(settings !== null)}>
        <Suspense fallback={null}>{settings !== null && mayAdmin && <Settings section={settings} />}</Suspense>
      </ErrorBoundary>
    </div>
  );
}

function Panels() {
  const said = useWords(words);
  const { onlyAdmin } = useWords(frame);
  const { sections } = useWords(settingsWords);
  return (
    <Empty icon={LockKeyhole}>
      <p>{onlyAdmin}</p>
      <p>{said.hint}</p>
      <div className={styles.panels}>
        <Button look="primary" icon={Users} onClick={() => go({ settings: "users" })}>
          {sections.users}
        </Button>
        <Button icon={ChartColumn} onClick={() => go({ settings: "usage" })}>
          {sections.usage}
        </Button>
        <Button icon={ScrollText} onClick={() => go({ settings: "audit" })}>
          {sections.audit}
        </Button>
      </div>
    </Empty>
  );
}
