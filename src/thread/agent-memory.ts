// Caches agents that runs began with a moment ago. While an agent is cached, a new run reads no database before it
// calls the model. Every other read goes to D1.
//
// The cost: a change that went through another isolate is seen up to five seconds late. The routes of this isolate
// report their changes, so a client that changes an agent and starts a run here gets the new version at once.
import { createTimedCache } from "../lib/timed-cache.ts";
import type { Agent } from "../protocol/agents/agent.ts";

const REMEMBERED_MS = 5_000;
// An agent's instructions may be 50,000 characters, so this many agents are at most 10 MB of the 128 MB of an isolate.
const REMEMBERED_AGENTS = 100;

export interface AgentMemory {
  /** The cached agent, or the one from `readStored`. That an agent is missing is not cached. */
  read(user_id: string, agent_id: string, readStored: () => Promise<Agent | null>): Promise<Agent | null>;
  /** Call it when the agent was changed or deleted. */
  forget(user_id: string, agent_id: string): void;
}

export function createAgentMemory(now: () => number): AgentMemory {
  const memory = createTimedCache<Agent>({ now, keep_ms: REMEMBERED_MS, max_entries: REMEMBERED_AGENTS });
  return {
    read: (user_id, agent_id, readStored) => memory.read(`${user_id}/${agent_id}`, readStored),
    forget: (user_id, agent_id) => memory.forget(`${user_id}/${agent_id}`),
  };
}

/** The isolate's: its objects and its routes share it. It holds plain data, so it may be in module scope. */
export const agentMemory = createAgentMemory(() => Date.now());
