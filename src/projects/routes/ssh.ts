// SSH access to a project's sandbox, for people's own editors. The answer grants access until it expires: only the
// caller sees it, once, and no log.
import { z } from "@hono/zod-openapi";
import type { SshAccess } from "../../agent/workspace.ts";
import type { App } from "../../http/context.ts";
import { Problem, unwrap } from "../../http/errors.ts";
import { addOperation } from "../../http/operation.ts";
import { requireProject } from "../../http/ownership.ts";
import { requireAbility, withWorkspace, workspaceProblems } from "../../http/workspace.ts";
import { clientId } from "../../protocol/ids.ts";
import { whileMakerLives } from "../../store/keys/maker.ts";
import { deleteSshAccess, findSshAccess, putSshAccess, readSshAccess } from "../../store/projects/ssh-accesses.ts";
import { UNDO_MS } from "../previews/previews.ts";
import { sshAccess, sshBody, sshStatus } from "./schemas.ts";

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
      description: "Starts or creates the sandbox. Access that was opened before ends.",
      params,
      body: sshBody,
      answers: { 201: { description: "A command, and a link that opens VS Code.", schema: sshAccess } },
      problems: [...workspaceProblems, "version_conflict"],
      audit: "ssh_access.create",
    },
    async (context, { params, body }) => {
      const access = await withWorkspace(context, params.project_id, async (workspace, signal, scope) => {
        const { user_id, project_id } = scope;
        const former = await findSshAccess(context.env.DB, user_id, project_id);
        const opened = await requireAbility(workspace.openSsh?.(body.expires_in_minutes, signal), "SSH");
        const { expires_at } = opened;
        const made_by = context.get("caller").key_id;
        const row = { user_id, project_id, created_at: new Date().toISOString(), expires_at, made_by };
        // Nobody has seen the access before its row is stored.
        const stored = await whileMakerLives(putSshAccess(context.env.DB, row, former));
        if (!stored.ok || !stored.value) await workspace.closeSsh?.(AbortSignal.timeout(UNDO_MS));
        if (!unwrap(stored))
          throw new Problem("version_conflict", "SSH was opened by another request at the same time. Try again.");
        return opened;
      });
      const { command, expires_at } = access;
      const answer = { command, vscode_url: describeLink(access), expires_at };
      return context.json(answer, 201, { "cache-control": "no-store" });
    },
  );
  addOperation(
    app,
    {
      method: "get",
      path,
      tag,
      summary: "Read who opened the sandbox to SSH",
      description: "Without the access itself, which is shown only once.",
      params,
      answers: { 200: { description: "The access that is open.", schema: sshStatus } },
      problems: ["not_found"],
    },
    async (context, { params }) => {
      const { user_id } = context.get("caller");
      const open = await readSshAccess(context.env.DB, user_id, params.project_id, Date.now());
      if (open === null) {
        await requireProject(context, params.project_id);
        throw new Problem("not_found", "No SSH access is known to be open.");
      }
      const { created_at, expires_at, made_by } = open;
      return context.json({ created_at, expires_at, made_by });
    },
  );
  addOperation(
    app,
    {
      method: "delete",
      path,
      tag,
      summary: "Close the sandbox to SSH",
      description: "Ends the access. Nothing happens if there is none.",
      params,
      answers: { 204: { description: "No access is open." } },
      problems: workspaceProblems,
      audit: "ssh_access.delete",
    },
    async (context, { params }) => {
      await withWorkspace(context, params.project_id, async (workspace, signal, { user_id, project_id }) => {
        const open = await findSshAccess(context.env.DB, user_id, project_id);
        await workspace.closeSsh?.(signal);
        if (open !== null) await deleteSshAccess(context.env.DB, open);
      });
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
