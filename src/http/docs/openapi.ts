// Generates the description of the API from the schemas that validate requests.
import { z } from "@hono/zod-openapi";
import type { App } from "../context.ts";
import { addOperation, describeOperations } from "../operation.ts";
import { VERSION } from "../version.ts";

const description = `An agent server: a request becomes a plan, the plan becomes work.

Errors are problem details with a \`code\` from a closed set. Lists take \`limit\` and \`cursor\` and answer \`data\` and \`next_cursor\`. Times are ISO 8601 UTC with milliseconds.

Streams are server-sent events of AG-UI 1.0. Each event has a number. A client that was disconnected reconnects with the last one it saw in \`Last-Event-ID\`.`;

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
      open: true,
      answers: { 200: { description: "OpenAPI 3.1.", schema: z.record(z.string(), z.unknown()) } },
    },
    (context) => {
      document ??= JSON.stringify(describeApi(app));
      return context.body(document, 200, { "content-type": "application/json" });
    },
  );
}

export function describeApi(app: App): Record<string, unknown> {
  describeOperations(app);
  return {
    ...app.getOpenAPI31Document({
      openapi: "3.1.0",
      info: { title: "Taskloom", version: VERSION, description, license: { name: "MIT" } },
      servers: [{ url: "/" }],
    }),
  };
}
