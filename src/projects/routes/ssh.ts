// SSH access to a project's sandbox, for people's own editors. The answer grants access until it expires: only the
// caller sees it, once, and no log.
import { z } from "@hono/zod-openapi";
import type { SshAccess } from "../../agent/workspace.ts";
import type { App } from "../../http/context.ts";
import { addOperation } from "../../http/operation.ts";
import { sshAccess, sshBody } from "../../http/schemas.ts";
import { requireAbility, withWorkspace, workspaceProblems } from "../../http/workspace.ts";
import { clientId } from "../../protocol/ids.ts";

const tag = "Sandboxes";
const params = z.object({ project_id: clientId });
const path = "/v1/projects/{project_id}/sandbox/ssh";

export function addSsh(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path,
      tag,
      summary: "Open the sandbox to SSH",
      description: "Makes or starts it. An access that was opened before ends.",
      params,
      body: sshBody,
      answers: { 201: { description: "A command, and a link that opens VS Code.", schema: sshAccess } },
      problems: workspaceProblems,
    },
    async (context, { params, body }) => {
      const access = await withWorkspace(context, params.project_id, (workspace, signal) =>
        requireAbility(workspace.openSsh?.(body.expires_in_minutes, signal), "SSH"),
      );
      const { command, expires_at } = access;
      const answer = { command, vscode_url: describeLink(access), expires_at };
      return context.json(answer, 201, { "cache-control": "no-store" });
    },
  );
  addOperation(
    app,
    {
      method: "delete",
      path,
      tag,
      summary: "Close the sandbox to SSH",
      params,
      answers: { 204: { description: "No access is open." } },
      problems: workspaceProblems,
    },
    async (context, { params }) => {
      await withWorkspace(context, params.project_id, async (workspace, signal) => workspace.closeSsh?.(signal));
      return context.body(null, 204);
    },
  );
}

/** The form that VS Code's Remote-SSH accepts: a port other than 22 follows the host. */
export function describeLink({ user, host, port, folder }: SshAccess): string {
  const authority = `${encodeURIComponent(user)}@${host}${port === null || port === 22 ? "" : `:${port}`}`;
  const path = folder.split("/").map(encodeURIComponent).join("/");
  return `vscode://vscode-remote/ssh-remote+${authority}${path}`;
}
