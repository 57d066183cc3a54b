// Agents are named configurations. Each change makes a version, and a run keeps the version it started with.
import { z } from "@hono/zod-openapi";
import { type Agent, type AgentView, agentConfig } from "../../protocol/agents/agent.ts";
import { clientId, DEFAULT_AGENT_ID, newId } from "../../protocol/ids.ts";
import {
  createAgent,
  deleteAgent,
  listAgents,
  listAgentVersions,
  readAgent,
  updateAgent,
} from "../../store/agents/agents.ts";
import { agentMemory } from "../../thread/agent-memory.ts";
import type { App, AppContext } from "../context.ts";
import { Problem, unwrap } from "../errors.ts";
import { nearAnswer, nearHeaders, readNear } from "../lists/near.ts";
import { addOperation } from "../operation.ts";
import { fullOf, missing, usualQuotas, withStock } from "../ownership.ts";
import { pageOf, pageQuery } from "../schemas.ts";
import { agent, anyBodies, bodiesFor } from "./agent-schemas.ts";

const tag = "Agents";
const params = z.object({ agent_id: clientId });

export function addAgents(app: App): void {
  addCreateAndList(app);
  addReadAndVersions(app);
  addOperation(
    app,
    {
      method: "patch",
      path: "/v1/agents/{agent_id}",
      tag,
      counts: "version",
      summary: "Change an agent",
      description:
        "Stores the next version, unless nothing differs. Absent fields stay unchanged. If a version is pinned, new runs still start with that one.",
      params,
      body: () => anyBodies().patch,
      bodyFor: (config) => bodiesFor(config).patch,
      answers: { 200: { description: "The new version.", schema: agent } },
      problems: ["not_found", "version_conflict", "quota_exceeded"],
    },
    async (context, { params, body: { name, ...config } }) => {
      const patch = { ...(name === undefined ? {} : { name }), config };
      const { user_id } = context.get("caller");
      const changed = await withStock(context, { bytes: JSON.stringify(config).length }, async () =>
        unwrap(await updateAgent(context.env.DB, user_id, params.agent_id, patch, Date.now())),
      );
      agentMemory.forget(user_id, params.agent_id);
      return context.json(show(changed));
    },
  );
  addOperation(
    app,
    {
      method: "delete",
      path: "/v1/agents/{agent_id}",
      tag,
      summary: "Delete an agent and its versions",
      description: "`agent_default` can't be deleted.",
      params,
      answers: { 204: { description: "It is deleted. Runs that started with it keep it until they end." } },
      problems: ["not_found", "invalid_operation"],
    },
    async (context, { params }) => {
      if (params.agent_id === DEFAULT_AGENT_ID) {
        throw new Problem("invalid_operation", `${DEFAULT_AGENT_ID} always exists and can't be deleted.`);
      }
      const { user_id } = context.get("caller");
      const deleted = await deleteAgent(context.env.DB, user_id, params.agent_id);
      if (!deleted) throw missing("agent", params.agent_id);
      agentMemory.forget(user_id, params.agent_id);
      return context.body(null, 204);
    },
  );
}

export function show({ agent_id, name, version, config, pinned_version, created_at, updated_at }: Agent): AgentView {
  return { agent_id, name, version, ...config, pinned_version, created_at, updated_at };
}

export async function findAgent(context: AppContext, agent_id: string): Promise<Agent> {
  const found = await readAgent(context.env.DB, context.get("caller").user_id, agent_id);
  if (!found) throw missing("agent", agent_id);
  return found;
}

function addCreateAndList(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/agents",
      tag,
      summary: "Create an agent",
      description: "Absent fields have the values of the default agent.",
      body: () => anyBodies().create,
      bodyFor: (config) => bodiesFor(config).create,
      answers: {
        201: { description: "Its first version.", schema: agent, headers: { Location: "The agent's path." } },
      },
      problems: ["already_exists"],
      counts: "version",
      quota: "agents",
    },
    async (context, { body: { agent_id, name, ...config } }) => {
      const now = new Date().toISOString();
      const made: Agent = {
        agent_id: agent_id ?? newId("agent"),
        name,
        version: 1,
        config: agentConfig.parse(config),
        pinned_version: null,
        created_at: now,
        updated_at: now,
      };
      await withStock(context, { bytes: JSON.stringify(config).length }, async () => {
        const outcome = await createAgent(
          context.env.DB,
          context.get("caller").user_id,
          made,
          usualQuotas(context)("agents"),
        );
        if (outcome === "taken") throw new Problem("already_exists", `There is an agent ${made.agent_id}.`);
        if (outcome === "full") throw await fullOf(context, "agents");
      });
      return context.json(show(made), 201, { location: `/v1/agents/${made.agent_id}` });
    },
  );
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/agents",
      tag,
      summary: "List agents",
      description: "Each in its newest version, newest first. Every user has `agent_default`.",
      query: pageQuery,
      headers: nearHeaders,
      answers: {
        200: {
          description: "Agents in their newest version, newest first.",
          schema: pageOf(agent),
          headers: nearAnswer,
        },
      },
      problems: ["bad_cursor"],
    },
    async (context, { query }) => {
      const request = { limit: query.limit, cursor: query.cursor ?? null };
      const page = unwrap(await readNear(context, (db) => listAgents(db, context.get("caller").user_id, request)));
      return context.json({ ...page, data: page.data.map(show) });
    },
  );
}

function addReadAndVersions(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/agents/{agent_id}",
      tag,
      summary: "Read an agent",
      description: "Returns the newest version. New runs use another one if it is pinned.",
      params,
      answers: { 200: { description: "Its newest version, even if another one is pinned.", schema: agent } },
      problems: ["not_found"],
    },
    async (context, { params }) => context.json(show(await findAgent(context, params.agent_id))),
  );
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/agents/{agent_id}/versions",
      tag,
      summary: "List an agent's versions",
      description: "Newest first. Each change of the agent is a version.",
      params,
      query: pageQuery,
      headers: nearHeaders,
      answers: { 200: { description: "Versions, newest first.", schema: pageOf(agent), headers: nearAnswer } },
      problems: ["not_found", "bad_cursor"],
    },
    async (context, { params, query }) => {
      const { user_id } = context.get("caller");
      const request = { limit: query.limit, cursor: query.cursor ?? null };
      const page = unwrap(await readNear(context, (db) => listAgentVersions(db, user_id, params.agent_id, request)));
      if (page === null) throw missing("agent", params.agent_id);
      return context.json({ ...page, data: page.data.map(show) });
    },
  );
}
