// The agent and the model that the next message goes to, in the composer. In a new conversation the menu chooses the
// agent; the first message fixes it for the thread. A model belongs to its agent. Loaded after the page.
import { Bot, Settings2 } from "lucide-react";
import { useEffect, useState } from "react";
import type { AgentView } from "../../protocol/agents/agent.ts";
import { useApp } from "../app/context.ts";
import type { Api } from "../client/api.ts";
import { Menu, MenuChoices, MenuItem, MenuLine } from "../parts/menu.tsx";
import { chosenAgent } from "../state/chosen.ts";
import { go, place } from "../state/place.ts";
import { useStore } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { isBusy, isUnwritten } from "../state/thread-view.ts";
import { defineWords, useWords } from "../state/words.ts";
import styles from "./agent-choice.module.css";

const words = defineWords(
  {
    /** What is read aloud contains what is seen, so that a person can say it. */
    chip: (shown: string) => `Agent: ${shown}`,
    fixed: "This conversation keeps its agent.",
    settings: "Agent settings",
  },
  {
    chip: (shown) => `智能体：${shown}`,
    fixed: "这个对话的智能体已确定。",
    settings: "智能体设置",
  },
);

const defaultAgent = "agent_default";

export function AgentChoice({ thread }: { thread: ThreadStore }) {
  const said = useWords(words);
  const { threads } = useApp();
  const agents = useAgents();
  const chosen = useStore(chosenAgent);
  const kept = useStore(threads.view, (view) => view.threads.find((row) => row.thread_id === thread.id)?.agent_id);
  const isOpen = useStore(thread.view.shown, (view) => isUnwritten(view) && !isBusy(view));
  const ran = useStore(thread.view.shown, (view) => view.runs[0]?.model ?? null);
  const ranBy = useStore(thread.view.shown, (view) => view.runs[0]?.agent_id);
  // Only the newest threads are listed.
  const id = (isOpen ? chosen : null) ?? kept ?? ranBy ?? defaultAgent;
  const agent = agents.find(({ agent_id }) => agent_id === id);
  const usual = useUsualModel(agent !== undefined && agent.model === null);
  if (!agent) return null;
  const model = agent.model ?? usual ?? ran ?? "";
  const choices = agents.map(({ agent_id: value, name, model: own }) => {
    const at = own ?? usual;
    return { value, label: at === null ? name : `${name} · ${at}` };
  });
  return (
    <Menu
      label={said.chip(`${agent.name} ${model}`.trim())}
      icon={Bot}
      align="start"
      className={styles.chip}
      items={
        <>
          {isOpen ? (
            <MenuChoices value={id} choices={choices} onChoose={(next) => chosenAgent.set(next)} />
          ) : (
            <p className={styles.fixed}>{said.fixed}</p>
          )}
          <MenuLine />
          <MenuItem icon={Settings2} onClick={() => go({ settings: "agents" })}>
            {said.settings}
          </MenuItem>
        </>
      }
    >
      <span className={styles.name} dir="auto">
        {agent.name}
      </span>{" "}
      {model !== "" && <span className={styles.model}>{model}</span>}
    </Menu>
  );
}

/** Read again after the settings, where they may have changed. Empty until they are known. */
function useAgents(): AgentView[] {
  const { api } = useApp();
  const isAway = useStore(place, ({ settings }) => settings !== null);
  const [agents, setAgents] = useState<AgentView[]>([]);
  useEffect(() => {
    if (isAway) return;
    let isCurrent = true;
    api.get<{ data: AgentView[] }>("/v1/agents?limit=200").then(
      ({ data }) => isCurrent && setAgents(data),
      () => {
        // Without the list the server's default agent is used. The next request reports what is wrong.
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [api, isAway]);
  return agents;
}

/** One question for as long as somebody is signed in: only the server's settings change the answer. */
const usualModels = new WeakMap<Api, Promise<string | null>>();

/** The model of agents that name none; null until it is known. */
function useUsualModel(isNeeded: boolean): string | null {
  const { api } = useApp();
  const [usual, setUsual] = useState<string | null>(null);
  useEffect(() => {
    if (!isNeeded) return;
    let isCurrent = true;
    const asked =
      usualModels.get(api) ??
      api.listModels().then(
        ({ data }) => data.find(({ is_default }) => is_default)?.id ?? null,
        () => null,
      );
    usualModels.set(api, asked);
    void asked.then((found) => isCurrent && setUsual(found));
    return () => {
      isCurrent = false;
    };
  }, [api, isNeeded]);
  return usual;
}
