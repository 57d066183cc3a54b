// The palette's entries: the conversations that match, and the actions.
import {
  Bot,
  ChartColumn,
  GitBranch,
  KeyRound,
  Languages,
  LockKeyhole,
  LogOut,
  type LucideIcon,
  MessageSquare,
  MessagesSquare,
  Monitor,
  MonitorSmartphone,
  Moon,
  ScrollText,
  SquarePen,
  Sun,
  Users,
  Webhook,
  Zap,
} from "lucide-react";
import type { LastRun, ThreadWithRun } from "../../protocol/thread.ts";
import type { words as frame } from "../app/words.ts";
import type { SectionName } from "../settings/sections.ts";
import type { words as settingsWords } from "../settings/words.ts";
import { go } from "../state/place.ts";
import { choose, type Preferences } from "../state/preferences.ts";
import { signOut } from "../state/sign-in.ts";
import { findByName } from "./find.ts";
import type { words } from "./words.ts";

export interface Entry {
  id: string;
  group: "threads" | "actions";
  name: string;
  icon: LucideIcon;
  run: LastRun | null;
  act(): void;
}

interface Said {
  own: (typeof words)["en"];
  general: (typeof frame)["en"];
  settings: (typeof settingsWords)["en"];
}

/** Nobody reads more than these; another letter finds it. */
const [maxRecent, maxFound] = [6, 50];

export function listEntries(
  typed: string,
  threads: readonly ThreadWithRun[],
  preferences: Preferences,
  sections: readonly SectionName[],
  said: Said,
): Entry[] {
  const found = findByName(threads, typed, ({ title }) => title ?? said.general.untitled);
  const shown = found.slice(0, typed.trim() === "" ? maxRecent : maxFound).map(
    ({ thread_id, title, last_run }): Entry => ({
      id: thread_id,
      group: "threads",
      name: title ?? said.general.untitled,
      icon: MessageSquare,
      run: last_run,
      act: () => go({ thread: thread_id, settings: null }),
    }),
  );
  return [...shown, ...findByName(listActions(preferences, sections, said), typed, ({ name }) => name)];
}

const sectionIcons: Record<SectionName, LucideIcon> = {
  keys: KeyRound,
  sessions: MonitorSmartphone,
  agents: Bot,
  triggers: Zap,
  webhooks: Webhook,
  slack: MessagesSquare,
  git: GitBranch,
  secrets: LockKeyhole,
  usage: ChartColumn,
  users: Users,
  audit: ScrollText,
};
const themeIcons = { system: Monitor, light: Sun, dark: Moon };

function listActions(
  { language, theme }: Preferences,
  sections: readonly SectionName[],
  { own, general, settings }: Said,
): Entry[] {
  const action = (id: string, name: string, icon: LucideIcon, act: () => void): Entry => ({
    id,
    group: "actions",
    name,
    icon,
    run: null,
    act,
  });
  return [
    action("new", general.newThread, SquarePen, () => go({ thread: null, settings: null })),
    ...sections.map((section) =>
      action(`settings-${section}`, own.settings(settings.sections[section]), sectionIcons[section], () =>
        go({ settings: section }),
      ),
    ),
    action("language", general.languageName, Languages, () => choose({ language: language === "zh" ? "en" : "zh" })),
    ...(["system", "light", "dark"] as const)
      .filter((each) => each !== theme)
      .map((each) =>
        action(`theme-${each}`, own.theme(general.theme[each]), themeIcons[each], () => choose({ theme: each })),
      ),
    action("sign-out", general.signOut, LogOut, () => void signOut()),
  ];
}
