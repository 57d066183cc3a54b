// The person's conversations, and the links to everything else.
import {
  ChevronsUpDown,
  CircleUserRound,
  Languages,
  LogOut,
  Monitor,
  MonitorSmartphone,
  Moon,
  Search,
  Settings,
  SquarePen,
  Sun,
} from "lucide-react";
import { useMemo } from "react";
import { Brand } from "../app/brand.tsx";
import { useApp } from "../app/context.ts";
import { useMay } from "../app/may.tsx";
import { words as frame } from "../app/words.ts";
import { Button, IconButton } from "../parts/button.tsx";
import { Menu, MenuItem } from "../parts/menu.tsx";
import { formatTime, useLocale } from "../settings/format.ts";
import { nameOf, rightOf } from "../state/account.ts";
import { chosenProject } from "../state/chosen.ts";
import { go } from "../state/place.ts";
import { choose, preferences, type Theme } from "../state/preferences.ts";
import { signOut } from "../state/sign-in.ts";
import { useStore } from "../state/store.ts";
import { useWords } from "../state/words.ts";
import { ProjectList } from "./project-list.ts";
import projectStyles from "./project-menu.module.css";
import { ProjectMenu } from "./project-menu.tsx";
import styles from "./sidebar.module.css";
import { ThreadRows } from "./thread-rows.tsx";
import { words } from "./words.ts";

export function Sidebar({ onSearch, onClose }: { onSearch: () => void; onClose: () => void }) {
  const said = useWords(words);
  const general = useWords(frame);
  const { api, onUnauthorized } = useApp();
  const projects = useMemo(() => new ProjectList(api, onUnauthorized), [api, onUnauthorized]);
  const project = useStore(chosenProject);
  const mayRead = useMay("read");
  const mayRun = useMay("run");
  const begin = (): void => {
    go({ thread: null });
    onClose();
  };
  return (
    <div className={styles.sidebar}>
      <div className={styles.head}>
        <Brand />
        {mayRead && <IconButton label={said.search} icon={Search} onClick={onSearch} />}
      </div>
      {!mayRead && <div className={styles.nothing} />}
      {mayRead && (
        <>
          <div className={styles.new}>
            {mayRun && (
              <Button icon={SquarePen} title={project === null ? undefined : said.newInProject} onClick={begin}>
                {general.newThread}
              </Button>
            )}
          </div>
          <ProjectMenu projects={projects} />
          <h2 className="unseen">{said.conversations}</h2>
          <ThreadRows project={project} onBegin={begin} />
        </>
      )}
      <AccountMenu />
      <Foot />
    </div>
  );
}

function AccountMenu() {
  const general = useWords(frame);
  const { account } = useApp();
  const name = nameOf(account);
  const locale = useLocale();
  const right = rightOf(account);
  const rights = right === "write" ? null : general.rights[right];
  const { expires_at, session_id } = account;
  const items = (
    <>
      <p className={styles.who}>
        {[account.user_id, account.is_admin && general.adminKey, rights].filter(Boolean).join(" · ")}
      </p>
      {expires_at !== null && (
        <p className={styles.who}>
          {(session_id === null ? general.expires : general.signedInUntil)(formatTime(locale, expires_at))}
        </p>
      )}
      <MenuItem icon={LogOut} onClick={() => void signOut()}>
        {general.signOut}
      </MenuItem>
      {session_id !== null && (
        <MenuItem icon={MonitorSmartphone} onClick={() => void signOut({ everywhere: true })}>
          {general.signOutEverywhere}
        </MenuItem>
      )}
    </>
  );
  return (
    <div className={styles.account}>
      <Menu
        icon={CircleUserRound}
        label={general.account(name)}
        className={projectStyles.button}
        align="start"
        items={items}
      >
        <span className={projectStyles.name} dir="auto">
          {name}
        </span>
        <ChevronsUpDown size={14} aria-hidden="true" />
      </Menu>
    </div>
  );
}

const themes: { theme: Theme; icon: typeof Sun }[] = [
  { theme: "system", icon: Monitor },
  { theme: "light", icon: Sun },
  { theme: "dark", icon: Moon },
];

function Foot() {
  const general = useWords(frame);
  const { language, theme } = useStore(preferences);
  const place = themes.findIndex((each) => each.theme === theme);
  const now = themes[place] ?? themes[0];
  const next = themes[(place + 1) % themes.length]?.theme ?? "system";
  return (
    <div className={styles.foot}>
      <Button look="quiet" icon={Settings} onClick={() => go({ settings: "keys" })}>
        {general.settings}
      </Button>
      <span className={styles.gap} />
      {now && <IconButton label={general.theme[now.theme]} icon={now.icon} onClick={() => choose({ theme: next })} />}
      <Button
        look="quiet"
        icon={Languages}
        title={general.languageName}
        onClick={() => choose({ language: language === "zh" ? "en" : "zh" })}
      >
        <span className="unseen">{general.languageName}: </span>
        <span lang={language === "zh" ? "en" : "zh-CN"}>{general.language}</span>
      </Button>
    </div>
  );
}
