// The settings: a window with a list of sections at the left and one of them at the right. Which one is in the address. Each section
// is loaded when it is opened first; one that fails leaves the others usable.
import { Bot, ChartColumn, GitBranch, KeyRound, type LucideIcon, MessagesSquare, Webhook, Zap } from "lucide-react";
import { type ComponentType, lazy, Suspense, useEffect, useRef } from "react";
import { Dialog } from "../parts/dialog.tsx";
import { Guard } from "../parts/guard.tsx";
import { go } from "../state/place.ts";
import { useWords } from "../state/words.ts";
import { Waiting } from "./parts/list-view.tsx";
import { readSection, type SectionName, sectionNames } from "./sections.ts";
import styles from "./settings.module.css";
import { words } from "./words.ts";

const sections: Record<SectionName, { icon: LucideIcon; matter: ComponentType }> = {
  keys: { icon: KeyRound, matter: lazy(() => import("./keys.tsx").then(({ Keys }) => ({ default: Keys }))) },
  agents: { icon: Bot, matter: lazy(() => import("./agents/agents.tsx").then(({ Agents }) => ({ default: Agents }))) },
  triggers: {
    icon: Zap,
    matter: lazy(() => import("./triggers/triggers.tsx").then(({ Triggers }) => ({ default: Triggers }))),
  },
  webhooks: {
    icon: Webhook,
    matter: lazy(() => import("./webhooks/webhooks.tsx").then(({ Webhooks }) => ({ default: Webhooks }))),
  },
  slack: {
    icon: MessagesSquare,
    matter: lazy(() => import("./slack/slack.tsx").then(({ Slack }) => ({ default: Slack }))),
  },
  git: { icon: GitBranch, matter: lazy(() => import("./git.tsx").then(({ Git }) => ({ default: Git }))) },
  usage: {
    icon: ChartColumn,
    matter: lazy(() => import("./usage/usage.tsx").then(({ Usage }) => ({ default: Usage }))),
  },
};

export function Settings({ section }: { section: string }) {
  const said = useWords(words);
  const current = readSection(section);
  const Matter = sections[current].matter;
  return (
    <Dialog wide title={said.settings} onClose={() => go({ settings: null })}>
      <div className={styles.frame}>
        <SectionList current={current} />
        <div className={styles.matter}>
          <Guard key={current}>
            <Suspense fallback={<Waiting />}>
              <Matter />
            </Suspense>
          </Guard>
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
                // The way back leads out of the settings, whatever was looked at in them.
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
