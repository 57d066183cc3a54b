// The Hono app: what every request passes, and the resources behind it.
import { OpenAPIHono } from "@hono/zod-openapi";
import { createMiddleware } from "hono/factory";
import { configOf } from "../config.ts";
import { addAgUi } from "./ag-ui/routes.ts";
import { createAuthenticator, requireKey } from "./auth.ts";
import type { App, AppEnv } from "./context.ts";
import { allowOrigins } from "./cors.ts";
import { addDocs } from "./docs/docs.ts";
import { addOpenApi } from "./docs/openapi.ts";
import { answerError, answerNotFound } from "./errors.ts";
import { addGitCredentials } from "./git-credentials.ts";
import { addHooks } from "./hooks.ts";
import { addPreviews } from "./previews.ts";
import { addProjects } from "./projects.ts";
import { addAgentVersions } from "./routes/agent-versions.ts";
import { addAgents } from "./routes/agents.ts";
import { addApiKeys } from "./routes/api-keys.ts";
import { addEvents } from "./routes/events.ts";
import { addHealth } from "./routes/health.ts";
import { addInbox } from "./routes/inbox.ts";
import { addMessages } from "./routes/messages.ts";
import { addRuns } from "./routes/runs.ts";
import { addTasks } from "./routes/tasks.ts";
import { addThreads } from "./routes/threads.ts";
import { addUsage } from "./routes/usage.ts";
import { addUsers } from "./routes/users.ts";
import { addSandbox } from "./sandbox.ts";
import { addDownloads, addTicketDownload } from "./sandbox-downloads.ts";
import { addSandboxFiles } from "./sandbox-files.ts";
import { addSlackCommands } from "./slack-commands.ts";
import { addSlackEvents } from "./slack-events.ts";
import { addSlackInstall } from "./slack-install.ts";
import { addSlackInteractivity } from "./slack-interactivity.ts";
import { addSlackWorkspaces } from "./slack-workspaces.ts";
import { addSsh } from "./ssh.ts";
import { addTerminal, addTerminalSocket } from "./terminal.ts";
import { addTriggers } from "./triggers.ts";
import { addWebhookDeliveries } from "./webhook-deliveries.ts";
import { addWebhooks } from "./webhooks.ts";

export function createApp(): App {
  const app = new OpenAPIHono<AppEnv>();
  const authenticator = createAuthenticator();
  const prepare = createMiddleware<AppEnv>(async (context, next) => {
    const request_id = crypto.randomUUID();
    context.set("request_id", request_id);
    context.set("config", configOf(context.env));
    context.set("authenticator", authenticator);
    await next();
    context.res.headers.set("x-request-id", request_id);
    context.res.headers.set("x-content-type-options", "nosniff");
  });
  app.use(prepare, allowOrigins);
  // Before what asks for a key: the ticket is its key.
  addTerminalSocket(app);
  addTicketDownload(app);
  for (const path of ["/v1", "/v1/*", "/ag-ui", "/ag-ui/*"]) app.use(path, requireKey);
  app.onError(answerError);
  app.notFound(answerNotFound);
  for (const add of resources) add(app);
  return app;
}

const resources = [
  addHealth,
  addUsers,
  addApiKeys,
  addProjects,
  addGitCredentials,
  addSandbox,
  addSandboxFiles,
  addDownloads,
  addPreviews,
  addTerminal,
  addSsh,
  addThreads,
  addMessages,
  addTasks,
  addInbox,
  addRuns,
  addUsage,
  addEvents,
  addAgents,
  addAgentVersions,
  addTriggers,
  addHooks,
  addWebhooks,
  addWebhookDeliveries,
  addAgUi,
  addSlackEvents,
  addSlackInteractivity,
  addSlackCommands,
  addSlackInstall,
  addSlackWorkspaces,
  addOpenApi,
  addDocs,
];
