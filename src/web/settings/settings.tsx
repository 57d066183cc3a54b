// The settings: a dialog with a list of sections at the left and one section at the right. The address names the
// section. Each one loads when it is first opened; one that fails leaves the others usable.
import { Bot, ChartColumn, GitBranch, KeyRound, type LucideIcon, MessagesSquare, Webhook, Zap } from "lucide-react";
import { type ComponentType, lazy, Suspense, useEffect, useRef } from "react";
import { Locked, useMay } from "../app/may.tsx";
import { words as general } from "../app/words.ts";
import { Dialog } from "../parts/dialog.tsx";
import { ErrorBoundary } from "../parts/error-boundary.tsx";
import { Notice } from "../parts/notice.tsx";
import { go } from "../state/place.ts";
import { useWords } from "../state/words.ts";
import { Waiting } from "./parts/list-view.tsx";
import { readSection, type SectionName, sectionNames } from "./sections.ts";
import styles from "./settings.module.css";
import { words } from "./words.ts";

const sections: Record<SectionName, { icon: LucideIcon; content: ComponentType }> = {
  keys: { icon: KeyRound, content: lazy(() => import("./keys.tsx").then(({ Keys }) => ({ default: Keys }))) },
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
  git: { icon: GitBranch, content: lazy(() => import("./git.tsx").then(({ Git }) => ({ default: Git }))) },
  usage: {
    icon: ChartColumn,
    content: lazy(() => import("./usage/usage.tsx").then(({ Usage }) => ({ default: Usage }))),
  },
};

export function Settings({ section }: { section: string }) {
  const said = useWords(words);
  const { onlyRuns } = useWords(general);
  const mayWrite = useMay("write");
  const current = readSection(section);
  const Content = sections[current].content;
  return (
    <Dialog wide title={said.settings} onClose={() => go({ settings: null })}>
      <div className={styles.frame}>
        <SectionList current={current} />
        <div className={styles.content}>
          {!mayWrite && (
            <div className={styles.limits}>
              <Notice>{onlyRuns}</Notice>
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

function SectionList({ current }: { current: SectionName }) {
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
        {sectionNames.map((name) => {
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
