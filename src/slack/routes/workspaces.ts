// The routes by which a user manages connected Slack workspaces. A token is received and never returned.
import { z } from "@hono/zod-openapi";
import type { App, AppContext } from "../../http/context.ts";
import { Problem, unwrap } from "../../http/errors.ts";
import { nearAnswer, nearHeaders, readNear } from "../../http/lists/near.ts";
import { addOperation } from "../../http/operation.ts";
import { requireNamed } from "../../http/ownership.ts";
import { madeBy, pageOf, pageQuery, time } from "../../http/schemas.ts";
import { clientId } from "../../protocol/ids.ts";
import { late } from "../../protocol/schemas/late.ts";
import type { SlackWorkspace } from "../../protocol/slack.ts";
import { listSlackWorkspaces, updateSlackWorkspace } from "../../store/slack-workspaces.ts";
import { createSlackCaller } from "../api.ts";
import { readIdentity } from "../oauth.ts";
import { disconnectSlackWorkspace, openSlackWorkspace } from "../workspaces.ts";
import { connectGrant } from "./grants.ts";
import { createInstallAddress } from "./install.ts";
import { requireOwnBot } from "./own-app.ts";
import { slackPorts } from "./requests.ts";

const tag = "Slack";

const choice = { agent_id: clientId.optional(), project_id: clientId.optional() };
const installBody = late(() => z.strictObject(choice).openapi({ example: {} }));
const installAnswer = late(() => z.object({ url: z.string(), expires_at: time }).openapi("SlackInstallation"));

/** Slack's tokens are far shorter. Spaces and line feeds are refused, because the token is sent in a header. */
const botToken = z.string().regex(/^[\x21-\x7e]{1,500}$/, "must be a bot's token (xoxb-…)");
const workspaceBody = late(() =>
  z.strictObject({ bot_token: botToken, ...choice }).openapi({ example: { bot_token: "xoxb-EXAMPLE" } }),
);
const workspacePatch = late(() =>
  z
    .strictObject({ agent_id: clientId.nullable().optional(), project_id: clientId.nullable().optional() })
    .openapi({ example: { agent_id: "agent_default" } }),
);

const workspaceAnswer = late(() =>
  z
    .object({
      team_id: z.string(),
      team_name: z.string().nullable(),
      bot_user_id: z.string(),
      agent_id: z.string().nullable(),
      project_id: z.string().nullable(),
      created_at: time,
      updated_at: time,
      made_by: madeBy,
    })
    .openapi("SlackWorkspace"),
);

const params = z.object({ team_id: z.string().regex(/^[A-Za-z0-9]{1,64}$/, "must be a workspace's id") });

export function addSlackWorkspaces(app: App): void {
  addConnecting(app);
  addManaging(app);
}

function addConnecting(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/slack/install",
      tag,
      summary: "Create the address that installs the app in Slack",
      description: "Open it in a browser within ten minutes; it works once.",
      body: installBody,
      answers: { 200: { description: "The address.", schema: installAnswer } },
      problems: ["not_found"],
    },
    async (context, { body }) => {
      await requireChoice(context, body);
      const chosen = { agent_id: body.agent_id ?? null, project_id: body.project_id ?? null };
      return context.json(await createInstallAddress(context, context.get("caller"), chosen));
    },
  );
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/slack/workspaces",
      tag,
      summary: "Connect a workspace by its bot's token",
      description:
        "For an app that was installed in Slack's own settings: the one in SLACK_APP_ID, with the scope users:read, by which Slack says whose the token is. The token is encrypted and never returned.",
      body: workspaceBody,
      answers: { 201: { description: "The connected workspace.", schema: workspaceAnswer } },
      problems: ["not_found", "already_exists", "rate_limited", "quota_exceeded"],
      audit: "slack_workspace.connect",
    },
    async (context, { body }) => {
      await requireChoice(context, body);
      const grant = await examineToken(context, body.bot_token);
      const chosen = { agent_id: body.agent_id ?? null, project_id: body.project_id ?? null };
      const made = unwrap(await connectGrant(context, context.get("caller"), chosen, grant));
      return context.json(show(made), 201);
    },
  );
}

function addManaging(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/slack/workspaces",
      tag,
      summary: "List connected workspaces",
      description: "Newest first, without their tokens.",
      query: pageQuery,
      headers: nearHeaders,
      answers: { 200: { description: "Newest first.", schema: pageOf(workspaceAnswer), headers: nearAnswer } },
      problems: ["bad_cursor"],
    },
    async (context, { query }) => {
      const request = { limit: query.limit, cursor: query.cursor ?? null };
      const page = unwrap(
        await readNear(context, (db) => listSlackWorkspaces(db, context.get("caller").user_id, request)),
      );
      return context.json({ ...page, data: page.data.map(show) });
    },
  );
  addOperation(
    app,
    {
      method: "patch",
      path: "/v1/slack/workspaces/{team_id}",
      tag,
      summary: "Change the agent or project of a workspace",
      description:
        "Null stands for the default agent, or for a new project for each thread. Existing threads keep their project.",
      params,
      body: workspacePatch,
      answers: { 200: { description: "The changed workspace.", schema: workspaceAnswer } },
      problems: ["not_found"],
      audit: "slack_workspace.update",
    },
    async (context, { params, body }) => {
      await requireChoice(context, body);
      const { user_id } = context.get("caller");
      const key = { user_id, team_id: params.team_id };
      const updated_at = new Date().toISOString();
      const changed = await updateSlackWorkspace(context.env.DB, key, { ...body, updated_at });
      if (changed === null) throw notConnected();
      return context.json(show(changed));
    },
  );
  addOperation(
    app,
    {
      method: "delete",
      path: "/v1/slack/workspaces/{team_id}",
      tag,
      summary: "Disconnect a workspace",
      description: "Its token is revoked if Slack can be reached, and deleted.",
      params,
      answers: { 204: { description: "It is disconnected." } },
      problems: ["not_found"],
      audit: "slack_workspace.disconnect",
    },
    async (context, { params }) => {
      const { user_id } = context.get("caller");
      const opened = await openSlackWorkspace(slackPorts(context), params.team_id, user_id);
      // A token that can't be decrypted can't be revoked. It is deleted in any case.
      if (opened.ok) await opened.value.call("auth.revoke", {});
      if (!(await disconnectSlackWorkspace(slackPorts(context), { user_id, team_id: params.team_id })))
        throw notConnected();
      return context.body(null, 204);
    },
  );
}

async function requireChoice(
  context: AppContext,
  { agent_id, project_id }: { agent_id?: string | null; project_id?: string | null },
): Promise<void> {
  await requireNamed(context, { agent_id, project_id: project_id || null });
}

async function examineToken(context: AppContext, token: string) {
  const { slack, encryption_keys } = context.get("config");
  const missing = [
    ...(slack === null ? ["SLACK_SIGNING_SECRET"] : []),
    ...(encryption_keys.length === 0 ? ["ENCRYPTION_KEY"] : []),
  ];
  if (slack === null || missing.length > 0) {
    throw new Problem("not_configured", `Slack is not set up: set ${missing.join(", ")}.`);
  }
  const call = createSlackCaller({ api_url: slack.api_url, token });
  const answer = await call("auth.test", {});
  if (answer.kind === "later")
    throw new Problem("rate_limited", "Slack takes no more calls just now. Try again later.");
  if (answer.kind === "refused") {
    throw new Problem("invalid_field", `bot_token: Slack does not take it (${answer.error}).`);
  }
  if (answer.kind === "unknown") throw new Problem("internal", "Slack could not be reached. Try again.");
  const read = readIdentity(answer.body, token);
  if (!read.ok) throw new Problem("invalid_field", `bot_token: ${read.reason}`);
  await requireOwnBot(context, call, read.identity);
  return read.identity.grant;
}

function show({ user_id: _, ...workspace }: SlackWorkspace) {
  return workspace;
}

function notConnected(): Problem {
  return new Problem("not_found", "This workspace is not connected to your account.");
}
