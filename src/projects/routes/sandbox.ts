// A project's sandbox: reads its state, and starts, stops, archives and deletes it.
import { z } from "@hono/zod-openapi";
import type { Workspace, WorkspaceState } from "../../agent/workspace.ts";
import type { App } from "../../http/context.ts";
import { addOperation } from "../../http/operation.ts";
import { requireAbility, withWorkspace, workspaceProblems } from "../../http/workspace.ts";
import { clientId } from "../../protocol/ids.ts";
import { deleteSshAccess, findSshAccess } from "../../store/projects/ssh-accesses.ts";
import { giveBackSandbox } from "../../store/quotas/sandboxes.ts";
import { workspaceState } from "./schemas.ts";

const tag = "Sandboxes";
const params = z.object({ project_id: clientId });

export function addSandbox(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/projects/{project_id}/sandbox",
      tag,
      summary: "Read the state of a project's sandbox",
      description: "Never creates or starts a sandbox. The state is `none` if there is none.",
      params,
      answers: { 200: { description: "The state.", schema: workspaceState } },
      problems: workspaceProblems,
    },
    async (context, { params }) =>
      context.json(await withWorkspace(context, params.project_id, (workspace, signal) => workspace.readState(signal))),
  );
  addOperation(
    app,
    {
      method: "delete",
      path: "/v1/projects/{project_id}/sandbox",
      tag,
      summary: "Delete the sandbox with its files",
      description: "The project stays, and its next use creates a new sandbox. Nothing happens if there is none.",
      params,
      answers: { 204: { description: "It is deleted." } },
      problems: workspaceProblems,
    },
    async (context, { params }) => {
      await withWorkspace(context, params.project_id, async (workspace, signal, { user_id, project_id }) => {
        const opened = await findSshAccess(context.env.DB, user_id, project_id);
        await workspace.destroy(signal);
        await giveBackSandbox(context.env.DB, user_id, project_id);
        // It opened what is gone.
        if (opened !== null) await deleteSshAccess(context.env.DB, opened);
      });
      return context.body(null, 204);
    },
  );
  addOrder(app, "start", "Start or create the sandbox", "Answers once the sandbox runs.");
  addOrder(
    app,
    "stop",
    "Stop the sandbox",
    "Its processes end and its files stay. Nothing happens if no sandbox runs.",
  );
  addOrder(
    app,
    "archive",
    "Archive the sandbox",
    "Moves a stopped sandbox to cheaper storage. A running one is stopped first.",
  );
}

function addOrder(app: App, order: "start" | "stop" | "archive", summary: string, description: string): void {
  addOperation(
    app,
    {
      method: "post",
      path: `/v1/projects/{project_id}/sandbox/${order}`,
      tag,
      summary,
      description,
      params,
      answers: { 200: { description: "The state.", schema: workspaceState } },
      problems: workspaceProblems,
    },
    async (context, { params }) => {
      const give = (workspace: Workspace, signal: AbortSignal): Promise<WorkspaceState> =>
        requireAbility(workspace[order]?.(signal), "an archive");
      return context.json(await withWorkspace(context, params.project_id, give));
    },
  );
}
