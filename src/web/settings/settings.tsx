// The settings: a dialog with a list of sections at the left and one section at the right. The address names the
// section. Each one loads when it is first opened; one that fails leaves the others usable.
import {
  Bot,
  ChartColumn,
  GitBranch,
  KeyRound,
  LockKeyhole,
  type LucideIcon,
  MessagesSquare,
  MonitorSmartphone,
  ScrollText,
  Users as UsersIcon,
  Webhook,
  Zap,
} from "lucide-react";
import { type ComponentType, lazy, Suspense, useEffect, useRef } from "react";
import { Locked, useMay } from "../app/may.tsx";
import { useSections } from "../app/use-sections.ts";
import { words as general } from "../app/words.ts";
import { Dialog } from "../parts/dialog.tsx";
import { ErrorBoundary } from "../parts/error-boundary.tsx";
import { Notice } from "../parts/notice.tsx";
import { go } from "../state/place.ts";
import { useWords } from "../state/words.ts";
import { Waiting } from "./parts/list-view.tsx";
import { readSection, type SectionName } from "./sections.ts";
import styles from "./settings.module.css";
import { words } from "./words.ts";

const sections: Record<SectionName, { icon: LucideIcon; content: ComponentType }> = {
  keys: { icon: KeyRound, content: lazy(() => import("./keys.tsx").then(({ Keys }) => ({ default: Keys }))) },
  sessions: {
    icon: MonitorSmartphone,
    content: lazy(() => import("./sessions/sessions.tsx").then(({ Sessions }) => ({ default: Sessions }))),
  },
  agents: { icon: Bot, content: lazy(() => import("./agents/agents.tsx").then(({ Agents }) => ({ default: Agents }))) },
  triggers: {
    icon: Zap,
    content: lazy(() => import("./triggers/triggers.tsx").then(({ Triggers }) => ({ default: Triggers }))),
  },
  webhooks: {
    icon: Webhook,
    content: lazy(() => import("./webhooks/webhooks.tsx").then(({ Webhooks }) => ({ default: Webhooks }))),
  },
  slack: {
    icon: MessagesSquare,
    content: lazy(() => import("./slack/slack.tsx").then(({ Slack }) => ({ default: Slack }))),
  },
  secrets: {
    icon: LockKeyhole,
    content: lazy(() => import("./secrets/secrets.tsx").then(({ Secrets }) => ({ default: Secrets }))),
  },
  git: { icon: GitBranch, content: lazy(() => import("./git.tsx").then(({ Git }) => ({ default: Git }))) },
  usage: {
    icon: ChartColumn,
    content: lazy(() => import("./usage/usage.tsx").then(({ Usage }) => ({ default: Usage }))),
  },
  users: {
    icon: UsersIcon,
    content: lazy(() => import("./users/users.tsx").then(({ Users }) => ({ default: Users }))),
  },
  audit: {
    icon: ScrollText,
    content: lazy(() => import("./audit/audit.tsx").then(({ Audit }) => ({ default: Audit }))),
  },
};

export function Settings({ section }: { section: string }) {
  const said = useWords(words);
  const { onlyRuns, onlyAdmin } = useWords(general);
  const mayWrite = useMay("write");
  const mayRead = useMay("read");
  const names = useSections();
  const current = readSection(section, names);
  const Content = sections[current].content;
  return (
    <Dialog wide title={said.settings} onClose={() => go({ settings: null })}>
      <div className={styles.frame}>
        <SectionList names={names} current={current} />
        <div className={styles.content}>
          {!mayWrite && (
            <div className={styles.limits}>
              <Notice>{mayRead ? onlyRuns : onlyAdmin}</Notice>
            </div>
          )}
          <ErrorBoundary key={current}>
            <Suspense fallback={<Waiting />}>
              {current === "webhooks" && !mayWrite ? <Locked scope="write" /> : <Content />}
            </Suspense>
          </ErrorBoundary>
        </div>
      </div>
    </Dialog>
  );
}

function SectionList({ names, current }: { names: SectionName[]; current: SectionName }) {
  const said = useWords(words);
  const list = useRef<HTMLElement>(null);
  // On a phone the list is a strip that is wider than the screen.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the change that moves the strip
  useEffect(() => {
    list.current?.querySelector("[aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  }, [current]);
  return (
    <nav ref={list} className={styles.list} aria-label={said.settings}>
      <ul>
        {names.map((name) => {
          const { icon: Icon } = sections[name];
          return (
            <li key={name}>
              <button
                type="button"
                aria-current={name === current ? "page" : undefined}
                // The browser's back button leaves the settings, whichever sections were visited.
                onClick={() => go({ settings: name }, { replace: true })}
              >
                <Icon size={16} aria-hidden="true" />
                {said.sections[name]}
              </button>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
