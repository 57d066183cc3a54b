// The caller's own API keys.
import { z } from "@hono/zod-openapi";
import { clientId } from "../../protocol/ids.ts";
import { expandScopes } from "../../protocol/keys/scope.ts";
import { createApiKey, deleteApiKey, listApiKeys, type StoredApiKey } from "../../store/api-keys.ts";
import { whileMakerLives } from "../../store/keys/maker.ts";
import { mintApiKey } from "../api-key.ts";
import { audited } from "../audit.ts";
import { requireScope } from "../auth.ts";
import type { App, AppContext, Caller } from "../context.ts";
import { Problem, unwrap } from "../errors.ts";
import { addOperation } from "../operation.ts";
import { fullOf, usualQuotas } from "../ownership.ts";
import { pageOf, pageQuery } from "../schemas.ts";
import { apiKey, apiKeyBody, newApiKey } from "./key-schemas.ts";
import { revokeWithMade } from "./made.ts";
import { requireLiveAdmin } from "./users/live-admin.ts";

const tag = "Users and keys";

export function addApiKeys(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/api-keys",
      tag,
      summary: "Create an API key",
      description:
        "`key` is shown only in this answer. The new key can do no more than the key that creates it, and lasts no longer. A key that a session creates expires only if `expires_in_seconds` says so.",
      body: apiKeyBody,
      answers: { 201: { description: "The key.", schema: newApiKey } },
      quota: "api_keys",
      audit: { action: "api_key.create", details: ({ body }) => ({ scopes: body.scopes?.join(", ") ?? null }) },
    },
    async (context, { body }) => {
      const caller = context.get("caller");
      const now = Date.now();
      const grant = grantOf(caller, body, now);
      if (grant.scopes?.includes("admin")) await requireLiveAdmin(context);
      const { key, stored } = await mintApiKey({ name: body.name ?? null, made_by: caller.key_id, ...grant }, now);
      const usual = usualQuotas(context)("api_keys");
      const isMade = unwrap(await whileMakerLives(createApiKey(context.env.DB, caller.user_id, stored, usual)));
      if (!isMade) throw await fullOf(context, "api_keys");
      // It may be the first user's first own key, with which the admin key only administers.
      context.get("authenticator").forget(stored.key_id);
      const { hash: _, kind: _kind, ...shown } = stored;
      return context.json({ ...shown, last_used_at: null, key }, 201);
    },
  );

  addOperation(
    app,
    {
      method: "get",
      path: "/v1/api-keys",
      tag,
      summary: "List API keys",
      description: "Newest first, expired ones too. The keys themselves are never shown again.",
      query: pageQuery,
      answers: { 200: { description: "Keys without their secret, newest first.", schema: pageOf(apiKey) } },
      problems: ["bad_cursor"],
    },
    async (context, { query }) => {
      const request = { limit: query.limit, cursor: query.cursor ?? null };
      return context.json(unwrap(await listApiKeys(context.env.DB, context.get("caller").user_id, request)));
    },
  );

  addOperation(
    app,
    {
      method: "delete",
      path: "/v1/api-keys/{key_id}",
      tag,
      summary: "Delete an API key",
      counts: "nothing",
      description:
        "With `made=revoke`, deletes the keys that it made too, pauses their triggers and webhooks for good, and ends their links, SSH access and Slack connections. This also works for a key that is already deleted, and for `admin_key`. What the sandbox provider does not confirm within ten seconds is ended later.",
      params: z.object({ key_id: clientId }),
      query: deletionQuery,
      answers: { 204: { description: "The key is deleted and no longer valid." } },
      problems: ["not_found"],
      records: ["api_key.delete", "session.delete"],
    },
    async (context, { params: { key_id }, query: { made } }) => {
      const act = { action: deletionOf(key_id), target: key_id, details: { made } };
      await audited(context, act, async (notes) => {
        notes.is_idle = !(await endKey(context, context.get("caller").user_id, key_id, made));
      });
      return context.body(null, 204);
    },
  );
}

export const deletionQuery = z.strictObject({
  made: z
    .enum(["keep", "revoke"])
    .default("keep")
    .openapi({ description: "What happens to what the key made (`GET /v1/api-keys/{key_id}/made`)." }),
});

/** With `made=revoke`, and by an admin, a session can be named too. */
export function deletionOf(key_id: string): "session.delete" | "api_key.delete" {
  return key_id.startsWith("sess_") ? "session.delete" : "api_key.delete";
}

/** Deletes a key of the user, with or without what it made. Throws `not_found`. Returns false if nothing was left. */
export async function endKey(
  context: AppContext,
  user_id: string,
  key_id: string,
  made: z.infer<typeof deletionQuery>["made"],
): Promise<boolean> {
  if (made === "revoke") return await revokeWithMade(context, user_id, key_id);
  const deleted = await deleteApiKey(context.env.DB, user_id, key_id, Date.now());
  if (!deleted) throw new Problem("not_found", "There is no such key.");
  context.get("authenticator").forget(key_id);
  return true;
}

/** What a new key may do, and until when. Throws `forbidden` for more than the key that makes it has. */
function grantOf(
  caller: Caller,
  { scopes, expires_in_seconds }: z.infer<ReturnType<typeof apiKeyBody>>,
  now: number,
): Pick<StoredApiKey, "scopes" | "expires_at"> {
  for (const scope of scopes ?? []) requireScope(caller, scope);
  const inherited = caller.is_limited ? caller.scopes.filter((scope) => scope !== "admin") : null;
  // A session's end is that of a sign-in. People make keys for programs, which continue.
  const latest = caller.kind === "session" ? null : caller.expires_at;
  const until = expires_in_seconds === undefined ? latest : now + expires_in_seconds * 1000;
  if (latest !== null && until !== null && until > latest) {
    const end = toTime(latest);
    throw new Problem("forbidden", `Your key expires at ${end}, and a key that it makes can't live longer.`);
  }
  return { scopes: scopes ? expandScopes(scopes) : inherited, expires_at: until === null ? null : toTime(until) };
}

function toTime(at: number): string {
  return new Date(at).toISOString();
}
