// Credentials of git hosts. A password can be stored but never read: answers contain only the host and the user name.
import { z } from "@hono/zod-openapi";
import type { App, AppContext } from "../../http/context.ts";
import { Problem, unwrap } from "../../http/errors.ts";
import { addOperation } from "../../http/operation.ts";
import { fullOf, usualQuotas } from "../../http/ownership.ts";
import { pageOf, pageQuery } from "../../http/schemas.ts";
import { normalizeGitHost } from "../../protocol/git-credential.ts";
import type { SecretPorts } from "../../secrets/sealed.ts";
import { readSecret } from "../../store/secrets.ts";
import { deleteGitCredential, listGitCredentials, storeGitCredential } from "../git-credentials.ts";
import { gitCredential, gitCredentialBody } from "./schemas.ts";

const tag = "Git";

export function addGitCredentials(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/git-credentials",
      tag,
      summary: "Store the credential of a git host",
      description:
        "Used when a sandbox clones from this host, pulls or pushes. The credential is encrypted and never returned. Storing one for the same host replaces it.",
      body: gitCredentialBody,
      answers: { 201: { description: "What is stored, without the password.", schema: gitCredential } },
      audit: "git_credential.set",
      quota: "git_credentials",
      replaces: async (context, { body }) => {
        const name = unwrap(normalizeGitHost(body.host));
        return (
          (await readSecret(context.env.DB, { user_id: context.get("caller").user_id, kind: "git", name })) !== null
        );
      },
    },
    async (context, { body }) => {
      const host = unwrap(normalizeGitHost(body.host));
      const { user_id } = context.get("caller");
      const now = new Date().toISOString();
      const usual = usualQuotas(context)("git_credentials");
      const stored = unwrap(await storeGitCredential(portsOf(context), user_id, { ...body, host }, now, usual));
      if (stored === null) throw await fullOf(context, "git_credentials");
      return context.json(stored, 201);
    },
  );

  addOperation(
    app,
    {
      method: "get",
      path: "/v1/git-credentials",
      tag,
      summary: "List git hosts that have a credential",
      description:
        "`username` is null if the server no longer has the key that encrypted it. Then store the credential again.",
      query: pageQuery,
      answers: { 200: { description: "Without passwords, newest first.", schema: pageOf(gitCredential) } },
      problems: ["bad_cursor"],
    },
    async (context, { query }) => {
      const request = { limit: query.limit, cursor: query.cursor ?? null };
      const { user_id } = context.get("caller");
      return context.json(unwrap(await listGitCredentials(portsOf(context), user_id, request)));
    },
  );

  addOperation(
    app,
    {
      method: "delete",
      path: "/v1/git-credentials/{host}",
      tag,
      summary: "Delete the credential of a git host",
      description: "Includes the port if the host has one: `git.example.com:8443`.",
      params: z.object({ host: z.string().min(1).max(500) }),
      answers: { 204: { description: "It is deleted." } },
      problems: ["not_found"],
      audit: "git_credential.delete",
    },
    async (context, { params }) => {
      const host = unwrap(normalizeGitHost(params.host));
      const { user_id } = context.get("caller");
      const deleted = unwrap(await deleteGitCredential(portsOf(context), user_id, host));
      if (!deleted) throw new Problem("not_found", `No credential is stored for ${host}.`);
      return context.body(null, 204);
    },
  );
}

function portsOf(context: AppContext): SecretPorts {
  return { database: context.env.DB, encryption_keys: context.get("config").encryption_keys };
}
