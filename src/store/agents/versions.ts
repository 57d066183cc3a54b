// Reads, pins and restores older versions of an agent. Versions are numbered without gaps and never change, so every
// version up to the newest exists as long as its agent does.
import { and, eq, getTableColumns, sql } from "drizzle-orm";
import { type Agent, defaultAgent } from "../../protocol/agents/agent.ts";
import { fail, type Result, succeed } from "../../protocol/error.ts";
import { DEFAULT_AGENT_ID } from "../../protocol/ids.ts";
import type { Caps, PeriodCaps } from "../../protocol/money/caps.ts";
import { open } from "../database.ts";
import { agents, agentVersions } from "../schema.ts";
import { isAgent, storeDefaultAgent, storeNextVersion, toVersion } from "./agents.ts";

/** An agent as it was in a version, with `updated_at` of that version; null if there is no such agent or version. */
export async function readAgentVersion(
  db: D1Database,
  user_id: string,
  agent_id: string,
  version: number,
): Promise<Agent | null> {
  const found = await readVersionWhere(db, user_id, agent_id, sql`${version}`);
  if (found !== "no agent") return found;
  return agent_id === DEFAULT_AGENT_ID && version === defaultAgent.version ? defaultAgent : null;
}

/** With what the run's user and project may spend. */
export interface StartingAgent extends Agent {
  caps?: { user: PeriodCaps | null; project: Caps | null };
}

/** The version that a new run starts with: the pinned one or the newest. Null if the user has no such agent. */
export async function readStartingAgent(db: D1Database, user_id: string, agent_id: string): Promise<Agent | null> {
  const starting = sql`coalesce(${agents.pinned_version}, ${agents.version})`;
  const found = await readVersionWhere(db, user_id, agent_id, starting);
  if (found !== "no agent") return found;
  return agent_id === DEFAULT_AGENT_ID ? defaultAgent : null;
}

async function readVersionWhere(
  db: D1Database,
  user_id: string,
  agent_id: string,
  version: ReturnType<typeof sql>,
): Promise<Agent | null | "no agent"> {
  const isVersion = and(
    eq(agentVersions.user_id, agents.user_id),
    eq(agentVersions.agent_id, agents.agent_id),
    eq(agentVersions.version, version),
  );
  // The newest version's own configuration may be long and is not read.
  const { config: _newest, ...columns } = getTableColumns(agents);
  const row = await open(db)
    .select({ agent: columns, version: agentVersions })
    .from(agents)
    .leftJoin(agentVersions, isVersion)
    .where(isAgent(user_id, agent_id))
    .get();
  if (!row) return "no agent";
  return row.version ? toVersion(row.agent, row.version) : null;
}

/** Pins the version that new runs start with; null unpins, so that runs start with the newest. */
export async function pinAgent(
  db: D1Database,
  user_id: string,
  agent_id: string,
  version: number | null,
): Promise<Result<null>> {
  if (agent_id === DEFAULT_AGENT_ID && version !== null) await storeDefaultAgent(db, user_id);
  const exists = sql`EXISTS (SELECT 1 FROM agent_versions
    WHERE user_id = ${user_id} AND agent_id = ${agent_id} AND version = ${version})`;
  const changed = await open(db)
    .update(agents)
    .set({ pinned_version: version })
    .where(and(isAgent(user_id, agent_id), version === null ? undefined : exists))
    .returning({ agent_id: agents.agent_id });
  if (changed.length > 0 || (agent_id === DEFAULT_AGENT_ID && version === null)) return succeed(null);
  return version === null ? fail("not_found", `There is no agent ${agent_id}.`) : missingVersion(agent_id, version);
}

/** Stores an older version's name and configuration as the next version. The pin does not change. */
export async function rollBackAgent(
  db: D1Database,
  user_id: string,
  agent_id: string,
  version: number,
  now: number,
): Promise<Result<Agent>> {
  const former = await readAgentVersion(db, user_id, agent_id, version);
  if (!former) return missingVersion(agent_id, version);
  const { name, config } = former;
  return await storeNextVersion(db, user_id, agent_id, now, () => ({ name, config }));
}

export function missingVersion(agent_id: string, version: number) {
  return fail("not_found", `There is no version ${version} of an agent ${agent_id}.`);
}
