// Generates the description of the API from the schemas that validate requests.
import { z } from "@hono/zod-openapi";
import type { App } from "../context.ts";
import { addOperation, describeOperations } from "../operation.ts";
import { VERSION } from "../version.ts";
import { describeEvents } from "./events.ts";
import { completeParameter } from "./parameters.ts";

const description = `An agent server: a request becomes a plan, the plan becomes work.

Errors are problem details with a \`code\` from a closed set. Lists take \`limit\` and \`cursor\` and answer \`data\` and \`next_cursor\`. Times are ISO 8601 UTC with milliseconds.

Streams are server-sent events of AG-UI 1.0. Each event has a number. A client that was disconnected reconnects with the last one it saw in \`Last-Event-ID\`. The schema of a stream is that of the data of one event.`;

/** The groups of operations, in the order in which a reader needs them. */
const tags: Record<string, string> = {
  Runs: "A run is one request to an agent and the work on it, until it ends.",
  Events: "What happens in threads and runs, as it happens.",
  Threads: "A thread is a conversation with its plan. Its runs work one after another.",
  "AG-UI": "For user interfaces that speak AG-UI.",
  Agents: "Instructions, model, tools and limits of runs, in versions.",
  Projects: "A project has threads, and one sandbox with the files that they work on.",
  Sandboxes: "The computer of a project: state, files, links to ports, terminals and SSH.",
  Git: "Credentials for the repositories of projects.",
  Triggers: "What starts runs by itself: incoming webhooks and schedules.",
  Webhooks: "Where events of runs are sent.",
  "Users and keys": "Accounts, API keys, sessions, and the audit of what was done.",
  "Sign-in": "How people sign in with an issuer of OpenID Connect.",
  Slack: "The app in Slack: workspaces, and where Slack sends its requests.",
  Server: "Health, settings to fix, and this description.",
};

export function addOpenApi(app: App): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "key", {
    type: "http",
    scheme: "bearer",
    description:
      "An API key, or the admin key of the settings. Each operation names the scope that the key needs; a key without scopes may do all but `admin`. Pages of this server may send the cookie of a session in its place.",
  });
  let document: string | null = null;
  addOperation(
    app,
    {
      method: "get",
      path: "/openapi.json",
      tag: "Server",
      summary: "This description",
      description: "Made from the schemas that validate requests.",
      open: true,
      answers: { 200: { description: "OpenAPI 3.1.", schema: z.record(z.string(), z.unknown()) } },
    },
    (context) => {
      document ??= JSON.stringify(describeApi(app));
      return context.body(document, 200, { "content-type": "application/json" });
    },
  );
}

type Described = Parameters<typeof completeParameter>[0];

export function describeApi(app: App): Record<string, unknown> {
  describeOperations(app);
  const described = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Taskloom",
      version: VERSION,
      description,
      contact: { name: "The operator of this server" },
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
    },
    servers: [{ url: "/" }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
  });
  for (const item of Object.values(described.paths ?? {})) {
    for (const operation of Object.values(item as Record<string, { parameters?: Described[] }>)) {
      operation.parameters?.forEach(completeParameter);
    }
  }
  const { schemas, ...components } = described.components ?? {};
  return { ...described, components: { ...components, schemas: { ...schemas, Event: describeEvents() } } };
}
