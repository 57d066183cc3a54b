// Versions of an agent: read one, compare two, pin the one that new runs start with, roll back to an older one.
import { z } from "@hono/zod-openapi";
import type { Agent } from "../../protocol/agents/agent.ts";
import { findChanges } from "../../protocol/agents/changes.ts";
import { clientId } from "../../protocol/ids.ts";
import { missingVersion, pinAgent, readAgentVersions, rollBackAgent } from "../../store/agents/versions.ts";
import { agentMemory } from "../../thread/agent-memory.ts";
import type { App, AppContext } from "../context.ts";
import { unwrap } from "../errors.ts";
import { addOperation } from "../operation.ts";
import { withStock } from "../ownership.ts";
import { agent, comparison, versionBody, versionText } from "./agent-schemas.ts";
import { findAgent, show } from "./agents.ts";

const tag = "Agents";
const params = z.object({ agent_id: clientId });

export function addAgentVersions(app: App): void {
  addReadAndCompare(app);
  addPin(app);
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/agents/{agent_id}/rollback",
      tag,
      counts: "version",
      summary: "Go back to an older version",
      description:
        "Stores the name and configuration of an older version as the next one, unless nothing differs. A pin stays as it is.",
      params,
      body: versionBody,
      answers: { 200: { description: "The agent in its newest version.", schema: agent } },
      problems: ["not_found", "version_conflict", "quota_exceeded"],
    },
    async (context, { params: { agent_id }, body: { version } }) => {
      const { user_id } = context.get("caller");
      const changed = await withStock(context, { bytes: 0 }, async () => {
        const stored = await rollBackAgent(context.env.DB, user_id, agent_id, version, Date.now());
        // The version is missing, or the agent is.
        if (!stored.ok && stored.error.code === "not_found") await findAgent(context, agent_id);
        return unwrap(stored);
      });
      agentMemory.forget(user_id, agent_id);
      return context.json(show(changed));
    },
  );
}

/** Only a version that is missing asks whether the agent is there. */
async function findVersions(context: AppContext, agent_id: string, versions: [number, number?]): Promise<Agent[]> {
  const found = await readAgentVersions(context.env.DB, context.get("caller").user_id, agent_id, versions);
  const lost = versions.find((version) => !found.some((agent) => agent.version === version));
  if (lost === undefined) return versions.flatMap((version) => found.filter((agent) => agent.version === version));
  await findAgent(context, agent_id);
  return unwrap(missingVersion(agent_id, lost));
}

function addReadAndCompare(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/agents/{agent_id}/versions/{version}",
      tag,
      summary: "Read a version of an agent",
      description: "Versions never change.",
      params: params.extend({ version: versionText }),
      answers: { 200: { description: "The agent as it was in that version.", schema: agent } },
      problems: ["not_found"],
    },
    async (context, { params: { agent_id, version } }) => {
      const [found] = await findVersions(context, agent_id, [version]);
      return context.json(show(found as Agent));
    },
  );
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/agents/{agent_id}/compare",
      tag,
      summary: "Compare two versions of an agent",
      description: "Only the fields that differ.",
      params,
      query: z.strictObject({ from: versionText, to: versionText }),
      answers: { 200: { description: "The fields that differ, each with both values.", schema: comparison } },
      problems: ["not_found"],
    },
    async (context, { params: { agent_id }, query: { from, to } }) => {
      const [before, after] = (await findVersions(context, agent_id, [from, to])) as [Agent, Agent];
      return context.json({ agent_id, from, to, changes: findChanges(before, after) });
    },
  );
}

function addPin(app: App): void {
  const path = "/v1/agents/{agent_id}/pin";
  addOperation(
    app,
    {
      method: "put",
      path,
      tag,
      summary: "Pin a version",
      description: "New runs start with this version until it is unpinned, even if newer versions are made.",
      params,
      body: versionBody,
      answers: { 200: { description: "The agent in its newest version, with the pinned version.", schema: agent } },
      problems: ["not_found"],
    },
    async (context, { params: { agent_id }, body: { version } }) => {
      const { user_id } = context.get("caller");
      const pinned = await pinAgent(context.env.DB, user_id, agent_id, version);
      const found = await findAgent(context, agent_id);
      unwrap(pinned);
      agentMemory.forget(user_id, agent_id);
      return context.json(show(found));
    },
  );
  addOperation(
    app,
    {
      method: "delete",
      path,
      tag,
      summary: "Unpin",
      description: "New runs start with the newest version again. Succeeds also if nothing is pinned.",
      params,
      answers: { 204: { description: "Nothing is pinned." } },
      problems: ["not_found"],
    },
    async (context, { params: { agent_id } }) => {
      const { user_id } = context.get("caller");
      unwrap(await pinAgent(context.env.DB, user_id, agent_id, null));
      agentMemory.forget(user_id, agent_id);
      return context.body(null, 204);
    },
  );
}
