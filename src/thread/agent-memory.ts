// Caches agents that runs began with a moment ago, with the caps of their user and project. While an agent is cached, a
// new run reads no database before it calls the model. Every other read goes to D1.
//
// The cost: a change that went through another isolate is seen up to five seconds late. The routes of this isolate
// report their changes, so a client that changes an agent and starts a run here gets the new version at once.
//
// A thread without a project makes one, which has no caps. For as long as its agent may be cached, it reads as its user
// without a project does: the first run of such a thread finds the agent of the one before.
import { createTimedCache } from "../lib/timed-cache.ts";
import type { StartingAgent } from "../store/agents/versions.ts";

const REMEMBERED_MS = 5_000;
// An agent's instructions may be 50,000 characters, so this many agents are at most 10 MB of the 128 MB of an isolate.
const REMEMBERED_AGENTS = 100;
/** Ids of some dozen characters. One that is dropped costs its thread a read. */
const REMEMBERED_PROJECTS = 1_000;

export interface AgentMemory {
  /** The cached agent itself, or what `readStored` reads of that project. That an agent is missing is not cached. */
  read(
    user_id: string,
    agent_id: string,
    project_id: string | null,
    readStored: (project_id: string | null) => Promise<StartingAgent | null>,
  ): StartingAgent | Promise<StartingAgent | null>;
  /** The agent if it is cached with that very project. */
  peek(user_id: string, agent_id: string, project_id: string): StartingAgent | null;
  /** Call it when the agent was changed or deleted. */
  forget(user_id: string, agent_id: string): void;
  /** Call it when the user's caps were changed. */
  forgetUser(user_id: string): void;
  /** Call it when the project was made, changed or deleted. */
  forgetProject(user_id: string, project_id: string): void;
  /** Call it when a project was just made, without caps. */
  noteNewProject(user_id: string, project_id: string): void;
}

export function createAgentMemory(now: () => number): AgentMemory {
  const memory = createTimedCache<StartingAgent>({ now, keep_ms: REMEMBERED_MS, max_entries: REMEMBERED_AGENTS });
  /** Until when each new project reads as none. */
  const newProjects = new Map<string, number>();
  const isNew = (project: string): boolean => {
    const until = newProjects.get(project);
    if (until !== undefined && until <= now()) newProjects.delete(project);
    return until !== undefined && until > now();
  };
  return {
    read(user_id, agent_id, project_id, readStored) {
      const known = project_id === null || isNew(`${user_id}/${project_id}`) ? null : project_id;
      return memory.read(`${user_id}/${agent_id}/${known ?? ""}`, () => readStored(known));
    },
    peek: (user_id, agent_id, project_id) => memory.peek(`${user_id}/${agent_id}/${project_id}`),
    forget: (user_id, agent_id) => memory.forgetAll((key) => key.startsWith(`${user_id}/${agent_id}/`)),
    forgetUser: (user_id) => memory.forgetAll((key) => key.startsWith(`${user_id}/`)),
    forgetProject(user_id, project_id) {
      newProjects.delete(`${user_id}/${project_id}`);
      memory.forgetAll((key) => key.startsWith(`${user_id}/`) && key.endsWith(`/${project_id}`));
    },
    noteNewProject(user_id, project_id) {
      newProjects.set(`${user_id}/${project_id}`, now() + REMEMBERED_MS);
      const [oldest] = newProjects.keys();
      if (newProjects.size > REMEMBERED_PROJECTS && oldest !== undefined) newProjects.delete(oldest);
    },
  };
}

/** The isolate's: its objects and its routes share it. It holds plain data, so it may be in module scope. */
export const agentMemory = createAgentMemory(() => Date.now());
