// Agents and their versions. `agent_default` needs no row: every user has it until a change stores one.
import { and, desc, eq, lt, sql } from "drizzle-orm";
import { type Agent, type AgentConfig, defaultAgent } from "../../protocol/agents/agent.ts";
import { findChanges, type VersionContent } from "../../protocol/agents/changes.ts";
import { fail, type Result, succeed } from "../../protocol/error.ts";
import { DEFAULT_AGENT_ID } from "../../protocol/ids.ts";
import { exceeded, fixedLimits } from "../../protocol/money/quotas.ts";
import type { Page, PageRequest } from "../../protocol/page.ts";
import { isConflict, open } from "../database.ts";
import { decodeCursor, encodeCursor, readPosition, toPage } from "../page.ts";
import { type Made, roomFor, rowWhere } from "../quotas/insert.ts";
import { agents, agentVersions } from "../schema.ts";
import { toAgentConfig } from "../shapes/agent-config.ts";
import { UnreadableRow } from "../shapes/stored.ts";

export interface AgentPatch {
  name?: string;
  config: Partial<AgentConfig>;
}

/** The newest version of an agent; null if the user has no such agent. */
export async function readAgent(db: D1Database, user_id: string, agent_id: string): Promise<Agent | null> {
  const row = await open(db).select().from(agents).where(isAgent(user_id, agent_id)).get();
  if (row) return toAgent(row);
  return agent_id === DEFAULT_AGENT_ID ? defaultAgent : null;
}

/** `usual`: how many a user may have who was given no other number. */
export async function createAgent(db: D1Database, user_id: string, agent: Agent, usual?: number): Promise<Made> {
  if (agent.agent_id === DEFAULT_AGENT_ID) return "taken";
  const database = open(db);
  const { agent_id } = agent;
  const room = roomFor(user_id, "agents", usual);
  const isMade = sql`EXISTS (SELECT 1 FROM agents WHERE user_id = ${user_id} AND agent_id = ${agent_id})`;
  try {
    const [made] = await database.batch([
      database
        .insert(agents)
        .select(rowWhere(agents, { ...agent, user_id }, room))
        .returning({ agent_id: agents.agent_id }),
      // A deleted agent leaves no versions, so version 1 of a new agent is free.
      database.insert(agentVersions).select(rowWhere(agentVersions, { ...agent, user_id }, isMade)),
    ]);
    return made.length > 0 ? "made" : "full";
  } catch (error) {
    if (isConflict(error)) return "taken";
    throw error;
  }
}

export async function listAgents(db: D1Database, user_id: string, request: PageRequest): Promise<Result<Page<Agent>>> {
  const position = readPosition(request.cursor);
  if (!position.ok) return position;
  const older = sql`(${agents.created_at}, ${agents.agent_id}) < (${position.value?.[0]}, ${position.value?.[1]})`;
  const database = open(db);
  const [rows, stored] = await database.batch([
    database
      .select()
      .from(agents)
      .where(and(eq(agents.user_id, user_id), position.value ? older : undefined))
      .orderBy(desc(agents.created_at), desc(agents.agent_id))
      .limit(request.limit + 1),
    database.select({ agent_id: agents.agent_id }).from(agents).where(isAgent(user_id, DEFAULT_AGENT_ID)),
  ]);
  const given = rows.map(toAgent);
  // The default agent is older than any other. Without a row it comes after the last one.
  const wasGiven = position.value?.[1] === DEFAULT_AGENT_ID;
  if (stored.length === 0 && !wasGiven && given.length <= request.limit) given.push(defaultAgent);
  return succeed(
    toPage(
      given,
      request.limit,
      (agent) => agent,
      (agent) => [agent.created_at, agent.agent_id],
    ),
  );
}

// Two concurrent changes read the same version, and one has to start over. A third or fourth try is already rare.
const UPDATE_TRIES = 8;

/** Stores the next version of an agent, merged from the newest one. A patch that changes nothing stores none. */
export function updateAgent(
  db: D1Database,
  user_id: string,
  agent_id: string,
  patch: AgentPatch,
  now: number,
): Promise<Result<Agent>> {
  const change = (current: Agent) => ({
    name: patch.name ?? current.name,
    config: { ...current.config, ...patch.config },
  });
  return storeNextVersion(db, user_id, agent_id, now, change);
}

/** Fails with `version_conflict` if others change the agent faster than this version can be stored. */
export async function storeNextVersion(
  db: D1Database,
  user_id: string,
  agent_id: string,
  now: number,
  change: (current: Agent) => VersionContent,
): Promise<Result<Agent>> {
  for (let attempt = 0; attempt < UPDATE_TRIES; attempt++) {
    const current = await readAgent(db, user_id, agent_id);
    if (!current) return fail("not_found", `There is no agent ${agent_id}.`);
    const content = change(current);
    if (findChanges(current, content).length === 0) return succeed(current);
    const version = current.version + 1;
    // Versions are never deleted alone, so the number of one is how many there are.
    if (version > fixedLimits.agent_versions.usual)
      return { ok: false, error: exceeded("agent_versions", fixedLimits.agent_versions.usual) };
    const next: Agent = { ...current, ...content, version, updated_at: new Date(now).toISOString() };
    const stored = await putNextVersion(db, user_id, current, next);
    if (stored) return succeed(stored);
  }
  return fail("version_conflict", `The agent ${agent_id} is being changed by many at once; try again.`);
}

/** Null if another version was stored in the meantime. */
async function putNextVersion(db: D1Database, user_id: string, current: Agent, next: Agent): Promise<Agent | null> {
  const database = open(db);
  const { agent_id, name, version, config, updated_at } = next;
  // It may have no row yet.
  if (agent_id === DEFAULT_AGENT_ID) await storeDefaultAgent(db, user_id);
  const isNext = sql`EXISTS (SELECT 1 FROM agents WHERE user_id = ${user_id} AND agent_id = ${agent_id} AND version = ${version})`;
  const [changed] = await database.batch([
    database
      .update(agents)
      .set({ name, version, config, updated_at })
      .where(and(isAgent(user_id, agent_id), eq(agents.version, current.version)))
      .returning(),
    database
      .insert(agentVersions)
      .select(
        sql`SELECT ${user_id}, ${agent_id}, ${version}, ${name}, ${updated_at}, ${JSON.stringify(config)} WHERE ${isNext}`,
      )
      .onConflictDoNothing(),
  ]);
  return changed[0] ? toAgent(changed[0]) : null;
}

/** Gives the default agent its row and its first version if it has none yet. */
export async function storeDefaultAgent(db: D1Database, user_id: string): Promise<void> {
  const database = open(db);
  await database.batch([
    database
      .insert(agents)
      .values({ ...defaultAgent, user_id })
      .onConflictDoNothing(),
    database
      .insert(agentVersions)
      .values({ ...defaultAgent, user_id })
      .onConflictDoNothing(),
  ]);
}

/** All versions of an agent, newest first. A version's `updated_at` is the time it was made. */
export async function listAgentVersions(
  db: D1Database,
  user_id: string,
  agent_id: string,
  request: PageRequest,
): Promise<Result<Page<Agent> | null>> {
  const position = request.cursor === null ? succeed(null) : decodeCursor(request.cursor, [0]);
  if (!position.ok) return position;
  const database = open(db);
  const [found, rows] = await database.batch([
    database.select().from(agents).where(isAgent(user_id, agent_id)),
    database
      .select()
      .from(agentVersions)
      .where(
        and(
          eq(agentVersions.user_id, user_id),
          eq(agentVersions.agent_id, agent_id),
          position.value ? lt(agentVersions.version, position.value[0] ?? 0) : undefined,
        ),
      )
      .orderBy(desc(agentVersions.version))
      .limit(request.limit + 1),
  ]);
  const [stored] = found;
  if (!stored && agent_id !== DEFAULT_AGENT_ID) return succeed(null);
  const agent = stored ? toAgent(stored) : defaultAgent;
  // Only the default agent can be without a row; it then has its one version.
  if (rows.length === 0 && position.value === null) return succeed({ data: [agent], next_cursor: null });
  const data = rows.slice(0, request.limit).map((row) => toVersion(agent, row));
  const last = data.at(-1);
  return succeed({ data, next_cursor: rows.length > request.limit && last ? encodeCursor([last.version]) : null });
}

/** False if the user has no such agent. The default agent returns to its defaults. */
export async function deleteAgent(db: D1Database, user_id: string, agent_id: string): Promise<boolean> {
  const database = open(db);
  const [deleted] = await database.batch([
    database.delete(agents).where(isAgent(user_id, agent_id)).returning({ agent_id: agents.agent_id }),
    database.delete(agentVersions).where(and(eq(agentVersions.user_id, user_id), eq(agentVersions.agent_id, agent_id))),
  ]);
  return deleted.length > 0;
}

export function isAgent(user_id: string, agent_id: string) {
  return and(eq(agents.user_id, user_id), eq(agents.agent_id, agent_id));
}

function toAgent(row: typeof agents.$inferSelect): Agent {
  const { agent_id, name, version, pinned_version, created_at, updated_at } = row;
  return { agent_id, name, version, config: readConfig(row), pinned_version, created_at, updated_at };
}

/** An agent as it was in one of its versions. */
export function toVersion(agent: Omit<Agent, "config">, row: typeof agentVersions.$inferSelect): Agent {
  const { name, version } = row;
  return { ...agent, name, version, config: readConfig(row), updated_at: row.created_at };
}

/** Throws where it can't be read: nothing may run without the approvals that it asks for. */
function readConfig({
  agent_id,
  version,
  config,
}: typeof agentVersions.$inferSelect | typeof agents.$inferSelect): AgentConfig {
  const known = toAgentConfig(config);
  if (known === undefined) throw new UnreadableRow(`version ${version} of the agent ${agent_id} can't be read`);
  return known;
}
