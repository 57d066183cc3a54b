// Agents and their versions. `agent_default` needs no row: it exists for every user until a change stores one.
import { and, eq } from "drizzle-orm";
import { type Agent, agentConfig, defaultAgent } from "../protocol/agent.ts";
import { DEFAULT_AGENT_ID } from "../protocol/ids.ts";
import { open } from "./database.ts";
import { agents } from "./schema.ts";

/** The newest version of an agent; null where the user has no such agent. */
export async function readAgent(db: D1Database, user_id: string, agent_id: string): Promise<Agent | null> {
  const row = await open(db)
    .select()
    .from(agents)
    .where(and(eq(agents.user_id, user_id), eq(agents.agent_id, agent_id)))
    .get();
  if (row) return toAgent(row);
  return agent_id === DEFAULT_AGENT_ID ? defaultAgent : null;
}

/** Parsing gives rows of an older server the defaults of fields that it did not know. */
function toAgent({ agent_id, name, version, config, created_at, updated_at }: typeof agents.$inferSelect): Agent {
  return { agent_id, name, version, config: agentConfig.parse(config), created_at, updated_at };
}
