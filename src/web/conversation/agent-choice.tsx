// Chooses the agent of a new conversation, where there is more than one. The first message fixes it for the thread.
import { useEffect, useState } from "react";
import type { Agent } from "../../protocol/agents/agent.ts";
import { useApp } from "../app/context.ts";
import { chosenAgent } from "../state/chosen-agent.ts";
import { useStore } from "../state/store.ts";
import { useWords } from "../state/words.ts";
import styles from "./pane.module.css";
import { words } from "./words.ts";

export function AgentChoice() {
  const said = useWords(words);
  const { api } = useApp();
  const chosen = useStore(chosenAgent);
  const [agents, setAgents] = useState<Agent[]>([]);
  useEffect(() => {
    let isCurrent = true;
    api.get<{ data: Agent[] }>("/v1/agents?limit=200").then(
      ({ data }) => isCurrent && setAgents(data),
      () => {
        // Without the list the server's default agent is used. The next request reports what is wrong.
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [api]);
  if (agents.length < 2) return null;
  return (
    <label className={styles.agent}>
      {said.agent}
      <select value={chosen ?? defaultAgent} onChange={(event) => chosenAgent.set(event.target.value)}>
        {agents.map(({ agent_id, name }) => (
          <option key={agent_id} value={agent_id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

const defaultAgent = "agent_default";
