// The Hono app: the middleware of every request, and the routes.
import { OpenAPIHono } from "@hono/zod-openapi";
import { createMiddleware } from "hono/factory";
import { configOf } from "./config.ts";
import { addAgUi } from "./http/ag-ui/routes.ts";
import { createAuthenticator, requireKey } from "./http/auth.ts";
import { dropBody, isComing, releaseBody } from "./http/body.ts";
import type { App, AppContext, AppEnv } from "./http/context.ts";
import { allowOrigins } from "./http/cors.ts";
import { addDocs } from "./http/docs/docs.ts";
import { addOpenApi } from "./http/docs/openapi.ts";
import { answerError, answerNotFound, Problem } from "./http/errors.ts";
import { createGuesses } from "./http/guesses.ts";
import { guessesWithoutKey } from "./http/paths/hints.ts";
import { createMethodsAt } from "./http/paths/methods.ts";
import { keyRoots } from "./http/paths/roots.ts";
import { takeDrop } from "./http/quotas/quotas.ts";
import { addAgentVersions } from "./http/routes/agent-versions.ts";
import { addAgents } from "./http/routes/agents.ts";
import { addApiKeys } from "./http/routes/api-keys.ts";
import { addAudit } from "./http/routes/audit.ts";
import { addChecks } from "./http/routes/checks/run-again.ts";
import { addEvents } from "./http/routes/events.ts";
import { addHealth } from "./http/routes/health.ts";
import { addInbox } from "./http/routes/inbox.ts";
import { addMade } from "./http/routes/made.ts";
import { addMessages } from "./http/routes/messages.ts";
import { addModels } from "./http/routes/models.ts";
import { addReceipts } from "./http/routes/receipts/receipts.ts";
import { addRuns } from "./http/routes/runs/runs.ts";
import { addServer } from "./http/routes/server.ts";
import { addSessions } from "./http/routes/sessions.ts";
import { addTasks } from "./http/routes/tasks.ts";
import { addThreads } from "./http/routes/threads.ts";
import { addUsage } from "./http/routes/usage.ts";
import { addUsers } from "./http/routes/users/accounts.ts";
import { addUserChanges } from "./http/routes/users/changes.ts";
import { addUserKeys } from "./http/routes/users/keys.ts";
import { addLiveRuns } from "./http/routes/users/live-runs.ts";
import { addQuotas } from "./http/routes/users/quotas.ts";
import { addUsersUsage } from "./http/routes/users/usage.ts";
import { addTicketStream, addWatchTickets } from "./http/routes/watch-tickets.ts";
import { addSignOut } from "./http/sessions/end.ts";
import { createSessions } from "./http/sessions/recognize.ts";
import { addMetrics } from "./monitor/routes/metrics.ts";
import { addPreviews } from "./projects/previews/routes/links.ts";
import { addGitCredentials } from "./projects/routes/git-credentials.ts";
import { addProjects } from "./projects/routes/projects.ts";
import { addSandbox } from "./projects/routes/sandbox.ts";
import { addDownloads, addTicketDownload } from "./projects/routes/sandbox-downloads.ts";
import { addSandboxFiles } from "./projects/routes/sandbox-files.ts";
import { addSandboxSecrets } from "./projects/routes/sandbox-secrets.ts";
import { addSsh } from "./projects/routes/ssh.ts";
import { addTerminal, addTerminalSocket } from "./projects/routes/terminal.ts";
import { addSignIn } from "./sign-in/routes/sign-in.ts";
import { addSlackCommands } from "./slack/routes/commands.ts";
import { addSlackEvents } from "./slack/routes/events.ts";
import { addSlackInstall } from "./slack/routes/install.ts";
import { addSlackInteractivity } from "./slack/routes/interactivity.ts";
import { addSlackWorkspaces } from "./slack/routes/workspaces.ts";
import { FORMER_DATABASE, isFormerDatabase } from "./store/monitor/schema-version.ts";
import { clock } from "./thread/ports.ts";
import { addHooks } from "./triggers/routes/hooks.ts";
import { addTriggers } from "./triggers/routes/triggers.ts";
import { addWebhookDeliveries } from "./webhooks/routes/deliveries.ts";
import { addWebhooks } from "./webhooks/routes/webhooks.ts";

export function createApp(): App {
  const app = new OpenAPIHono<AppEnv>();
  const authenticator = createAuthenticator();
  const guesses = createGuesses();
  const sessions = createSessions();
  const prepare = createMiddleware<AppEnv>(async (context, next) => {
    const request_id = crypto.randomUUID();
    context.set("request_id", request_id);
    context.set("config", configOf(context.env));
    context.set("authenticator", authenticator);
    context.set("guesses", guesses);
    context.set("sessions", sessions);
    try {
      await next();
    } finally {
      releaseBody(context.req.raw);
    }
    if (context.res.status >= 400) await dropRefused(context);
    context.res.headers.set("x-request-id", request_id);
    context.res.headers.set("x-content-type-options", "nosniff");
  });
  app.use(prepare, allowOrigins, refuseFormer);
  // Added before the middleware that requires a key: the ticket is the key here.
  addTerminalSocket(app);
  addTicketDownload(app);
  // Whoever looks for another API learns where to go, and not that a key is missing.
  for (const path of guessesWithoutKey) app.all(path, (context) => answerNotFound(context));
  addTicketStream(app);
  for (const path of keyRoots.flatMap((root) => [root, `${root}/*`])) app.use(path, requireKey);
  app.onError(answerError);
  const methodsAt = createMethodsAt(app);
  app.notFound((context) => answerNotFound(context, methodsAt));
  for (const add of resources) add(app);
  return app;
}

/** The health is answered, so that it can say what is wrong. */
const refuseFormer = createMiddleware<AppEnv>(async ({ env, req }, next) => {
  if (req.path !== "/healthz" && (await isFormerDatabase(env.DB, clock)))
    throw new Problem("not_configured", FORMER_DATABASE);
  await next();
});

/**
 * A refusal comes before the body is read, and most clients read no answer before they have sent all of it. So what comes
 * is dropped first. The bodies of a flood are cut off.
 */
async function dropRefused({ req, env, get }: AppContext): Promise<void> {
  if (isComing(req.raw) && takeDrop(env, get("caller")?.user_id ?? null)) await dropBody(req.raw);
}

const resources = [
  addHealth,
  addServer,
  addMetrics,
  addSignIn,
  addUsers,
  addUserChanges,
  addUserKeys,
  addApiKeys,
  addMade,
  addSessions,
  addSignOut,
  addAudit,
  addProjects,
  addGitCredentials,
  addSandbox,
  addSandboxFiles,
  addSandboxSecrets,
  addDownloads,
  addPreviews,
  addTerminal,
  addSsh,
  addThreads,
  addMessages,
  addTasks,
  addChecks,
  addInbox,
  addRuns,
  addReceipts,
  addUsage,
  addUsersUsage,
  addLiveRuns,
  addQuotas,
  addEvents,
  addWatchTickets,
  addAgents,
  addAgentVersions,
  addModels,
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
