// Creates, lists and revokes links to ports of a project's sandbox. `host.ts` serves a link's visitors.
import { z } from "@hono/zod-openapi";
import type { App } from "../../../http/context.ts";
import { Problem, unwrap } from "../../../http/errors.ts";
import { apiKey } from "../../../http/examples.ts";
import { addOperation } from "../../../http/operation.ts";
import { madeBy, time } from "../../../http/schemas.ts";
import { withWorkspace, workspaceProblems } from "../../../http/workspace.ts";
import { clientId } from "../../../protocol/ids.ts";
import { late } from "../../../protocol/schemas/late.ts";
import { whileMakerLives } from "../../../store/keys/maker.ts";
import { createPreview, LINK_SECONDS, readPreviews, revokePreview } from "../previews.ts";

const tag = "Sandboxes";
const path = "/v1/projects/{project_id}/sandbox/previews";
const params = z.object({ project_id: clientId });
const portParams = params.extend({ port: z.coerce.number().int().min(1).max(65_535) });

const MAX_LINK_SECONDS = 30 * 24 * 60 * 60;

const previewBody = late(() =>
  z
    .strictObject({
      port: z.int().min(1).max(65_535),
      expires_in_seconds: z
        .int()
        .min(1)
        .max(MAX_LINK_SECONDS)
        .optional()
        .openapi({ description: "A day if absent. Without PREVIEW_DOMAIN a day is the maximum." }),
    })
    .openapi({ example: { port: 3000 } }),
);

const example = {
  port: 3000,
  url: "https://3000-k5t2mq7zr4wq3xj6vy2b5n7c3d.previews.example/",
  expires_at: "2026-11-25T10:00:00.000Z",
  made_by: apiKey.key_id,
};

const preview = late(() =>
  z.object({ port: z.int(), url: z.string(), expires_at: time, made_by: madeBy }).openapi("Preview", { example }),
);

export function addPreviews(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path,
      tag,
      summary: "Create a link to a port of the sandbox",
      description:
        "Whoever has the link can open it until it expires or is revoked. A port has one link: a new one revokes the former. Nothing has to listen on the port yet.",
      params,
      body: previewBody,
      answers: { 201: { description: "The link.", schema: preview } },
      problems: [...workspaceProblems, "forbidden"],
      audit: "preview.create",
    },
    async (context, { params, body }) => {
      const request = { port: body.port, seconds: body.expires_in_seconds ?? LINK_SECONDS };
      const made = withWorkspace(context, params.project_id, (workspace, signal, scope) =>
        createPreview(scope, workspace, request, signal),
      );
      return context.json(unwrap(await whileMakerLives(made)), 201);
    },
  );
  addOperation(
    app,
    {
      method: "get",
      path,
      // A link opens the port for whoever has it. A run could make one, too.
      scope: "run",
      tag,
      summary: "List the links to ports of the sandbox",
      description: "Links that have not expired, by port. A project has at most 50.",
      params,
      answers: {
        200: { description: "The links.", schema: () => z.object({ data: z.array(preview()), next_cursor: z.null() }) },
      },
      problems: workspaceProblems,
    },
    async (context, { params }) => {
      const data = await withWorkspace(context, params.project_id, (_workspace, _signal, scope) => readPreviews(scope));
      return context.json({ data, next_cursor: null });
    },
  );
  addOperation(
    app,
    {
      method: "delete",
      path: `${path}/{port}`,
      tag,
      summary: "Revoke the link to a port",
      description: "The link stops working at once, in other locations of the server within five seconds.",
      params: portParams,
      answers: { 204: { description: "It is revoked." } },
      problems: workspaceProblems,
      audit: "preview.delete",
    },
    async (context, { params }) => {
      const revoked = await withWorkspace(context, params.project_id, (workspace, signal, scope) =>
        revokePreview(scope, workspace, params.port, signal),
      );
      if (!revoked) throw new Problem("not_found", `Port ${params.port} has no link.`);
      return context.body(null, 204);
    },
  );
}
