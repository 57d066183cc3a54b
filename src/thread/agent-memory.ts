// Agents that runs began with a moment ago. The way from a request to the model reads no database while its agent is
// remembered; every other read goes to D1.
//
// What it costs: a change that went through another isolate is seen five seconds late at most. The doors of this isolate
// say what they changed, so who changes an agent and starts a run here gets the new version at once.
import { createTimedCache } from "../lib/timed-cache.ts";
import type { Agent } from "../protocol/agents/agent.ts";

const REMEMBERED_MS = 5_000;
// An agent's instructions may be 50,000 characters; so many of them are 10 MB at most of the 128 that an isolate has.
const REMEMBERED_AGENTS = 100;

export interface AgentMemory {
  /** The remembered agent, or what `readStored` gives; that there is none is not remembered. */
  read(user_id: string, agent_id: string, readStored: () => Promise<Agent | null>): Promise<Agent | null>;
  /** It was changed or deleted. */
  forget(user_id: string, agent_id: string): void;
}

export function createAgentMemory(now: () => number): AgentMemory {
  const memory = createTimedCache<Agent>({ now, keep_ms: REMEMBERED_MS, max_entries: REMEMBERED_AGENTS });
  return {
    read: (user_id, agent_id, readStored) => memory.read(`${user_id}/${agent_id}`, readStored),
    forget: (user_id, agent_id) => memory.forget(`${user_id}/${agent_id}`),
  };
}

/** The isolate's: its objects and its doors share it. Plain data, so it may stand in module scope. */
export const agentMemory = createAgentMemory(() => Date.now());
