// The names of agents and projects that are known by id. A deleted one is shown by its id.
import { useWords } from "../state/words.ts";
import { useList } from "./use-list.ts";
import { words } from "./words.ts";

export interface Names {
  agent(id: string | null): string;
  project(id: string | null): string;
}

export function useNames(): Names {
  const said = useWords(words);
  const agents = useList<{ agent_id: string; name: string }>("/v1/agents?limit=200").rows;
  const projects = useList<{ project_id: string; name: string }>("/v1/projects?limit=200").rows;
  return {
    agent: (id) => (id === null ? said.defaultAgent : agents?.find(({ agent_id }) => agent_id === id)?.name || id),
    project: (id) =>
      id === null ? said.ownProject : projects?.find(({ project_id }) => project_id === id)?.name || id,
  };
}
