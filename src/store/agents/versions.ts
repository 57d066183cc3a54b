// Reads, pins and restores older versions of an agent. Versions are numbered without gaps and never change, so every
// version up to the newest exists as long as its agent does.
import { and, eq, getTableColumns, inArray, sql } from "drizzle-orm";
import { isRecord } from "../../lib/is-record.ts";
import { type Agent, defaultAgent } from "../../protocol/agents/agent.ts";
import { fail, type Result, succeed } from "../../protocol/error.ts";
import { DEFAULT_AGENT_ID } from "../../protocol/ids.ts";
import type { Caps, PeriodCaps } from "../../protocol/money/caps.ts";
import type { SandboxSettings } from "../../protocol/project.ts";
import { open } from "../database.ts";
import { agents, agentVersions } from "../schema.ts";
import { readCaps, toCaps, toPeriodCaps } from "../shapes/caps.ts";
import { parseStored } from "../shapes/stored.ts";
import { isAgent, storeDefaultAgent, storeNextVersion, toVersion } from "./agents.ts";

/** An agent as it was in a version, with `updated_at` of that version; null if there is no such agent or version. */
async function readAgentVersion(
  db: D1Database,
  user_id: string,
  agent_id: string,
  version: number,
): Promise<Agent | null> {
  const [found] = await readAgentVersions(db, user_id, agent_id, [version]);
  return found ?? null;
}

/** The same for two versions. One that does not exist is left out. */
export async function readAgentVersions(
  db: D1Database,
  user_id: string,
  agent_id: string,
  [first, second = first]: [number, number?],
): Promise<Agent[]> {
  const rows = await open(db)
    .select({ agent: agentColumns, version: agentVersions })
    .from(agents)
    .leftJoin(agentVersions, isVersion(first, second))
    .where(isAgent(user_id, agent_id));
  if (rows.length > 0) return rows.flatMap(({ agent, version }) => (version ? [toVersion(agent, version)] : []));
  const isDefault = agent_id === DEFAULT_AGENT_ID && [first, second].includes(defaultAgent.version);
  return isDefault ? [defaultAgent] : [];
}

/** With what the run's user and project may spend. */
export interface StartingAgent extends Agent {
  caps?: { user: PeriodCaps | null; project: Caps | null };
  /** What the project's settings say of the network. Left out if no project was asked for, or they can't be read. */
  network?: NetworkRules;
}

type NetworkRules = NonNullable<SandboxSettings["network"]>;

/**
 * The version that a new run starts with: the pinned one or the newest. Null if the user has no such agent. Without
 * `project_id`, nothing of a project is read.
 */
export async function readStartingAgent(
  db: D1Database,
  user_id: string,
  agent_id: string,
  project_id: string | null,
): Promise<StartingAgent | null> {
  const row = await db.prepare(READ_STARTING).bind(user_id, agent_id, project_id).first<StartingRow>();
  const caps = {
    user: readCaps(toPeriodCaps, row?.user_caps, `user ${user_id}`),
    project: readCaps(toCaps, row?.project_caps, `project ${project_id}`),
  };
  const network = project_id === null ? undefined : readNetwork(row?.project_sandbox ?? null);
  const around = { caps, ...(network && { network }) };
  if (row === null || row.agent_id === null)
    return agent_id === DEFAULT_AGENT_ID ? { ...defaultAgent, ...around } : null;
  const { name, version, pinned_version, created_at, updated_at } = row;
  if (row.config === null) return null;
  const stored = { user_id, agent_id, version, name, created_at: updated_at, config: parseStored(row.config) };
  return { ...toVersion({ agent_id, name, version, pinned_version, created_at, updated_at }, stored), ...around };
}

function readNetwork(sandbox: string | null): NetworkRules | undefined {
  const settings = sandbox === null ? {} : parseStored(sandbox);
  if (settings === null) return {};
  return isRecord(settings) ? ((settings as SandboxSettings).network ?? {}) : undefined;
}

/** Without an agent all of it is null but the caps; without the agent's version, what is the version's. */
interface StartingRow extends Omit<Agent, "agent_id" | "config"> {
  agent_id: string | null;
  config: string | null;
  user_caps: string | null;
  project_caps: string | null;
  project_sandbox: string | null;
}

/**
 * One row, also for the default agent that has none. Run before a model is called, so it is no query that is built anew
 * each time.
 */
const READ_STARTING = `
SELECT a.agent_id, a.pinned_version, a.created_at, v.version, v.name, v.created_at AS updated_at, v.config,
  (SELECT caps FROM users WHERE user_id = ?1) AS user_caps,
  p.caps AS project_caps, p.sandbox AS project_sandbox
FROM (SELECT 1) LEFT JOIN projects AS p ON p.user_id = ?1 AND p.project_id = ?3
LEFT JOIN agents AS a ON a.user_id = ?1 AND a.agent_id = ?2
LEFT JOIN agent_versions AS v
  ON v.user_id = a.user_id AND v.agent_id = a.agent_id AND v.version = coalesce(a.pinned_version, a.version)`;

/** The newest version's own configuration may be long and is not read. */
const { config: _newest, ...agentColumns } = getTableColumns(agents);

function isVersion(first: number, second: number) {
  return and(
    eq(agentVersions.user_id, agents.user_id),
    eq(agentVersions.agent_id, agents.agent_id),
    inArray(agentVersions.version, [first, second]),
  );
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
