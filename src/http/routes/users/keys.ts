// An admin sees and ends the keys and sessions of any user. Their secrets and what they open stay the user's.
import { clientId } from "../../../protocol/ids.ts";
import { listApiKeys } from "../../../store/api-keys.ts";
import { endSession, endSessions } from "../../../store/people/sessions.ts";
import { readUser } from "../../../store/people/users.ts";
import { audited } from "../../audit.ts";
import type { App, AppContext } from "../../context.ts";
import { Problem, unwrap } from "../../errors.ts";
import { addOperation } from "../../operation.ts";
import { pageOf, pageQuery } from "../../schemas.ts";
import { deletionOf, deletionQuery, endKey } from "../api-keys.ts";
import { apiKey } from "../key-schemas.ts";
import { noSuchUser, tag } from "./accounts.ts";
import { requireLiveAdmin } from "./live-admin.ts";
import { userParams } from "./schemas.ts";

export function addUserKeys(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/users/{user_id}/api-keys",
      tag,
      summary: "List a user's API keys",
      description: "Newest first, expired ones too. The keys themselves are never shown again.",
      scope: "admin",
      params: userParams,
      query: pageQuery,
      answers: { 200: { description: "Keys without their secret, newest first.", schema: pageOf(apiKey) } },
      problems: ["not_found", "bad_cursor"],
    },
    async (context, { params: { user_id }, query: { limit, cursor = null } }) => {
      const page = unwrap(await listApiKeys(context.env.DB, user_id, { limit, cursor }));
      if (page.data.length === 0) await requireUser(context, user_id);
      return context.json(page);
    },
  );
  addOperation(
    app,
    {
      method: "delete",
      path: "/v1/users/{user_id}/api-keys/{key_id}",
      tag,
      summary: "Delete a user's API key or session",
      description: "Works like `DELETE /v1/api-keys/{key_id}`, on a user's key. `key_id` may also be a session's id.",
      scope: "admin",
      params: userParams.extend({ key_id: clientId }),
      query: deletionQuery,
      records: ["api_key.delete", "session.delete"],
      answers: { 204: { description: "The key is deleted and no longer valid." } },
      problems: ["not_found"],
    },
    async (context, { params: { user_id, key_id }, query: { made } }) => {
      const act = { action: deletionOf(key_id), user_id, target: key_id, details: { made } };
      await audited(context, act, async (notes) => {
        await requireLiveAdmin(context);
        if (made === "keep" && key_id.startsWith("sess_")) await endOneSession(context, user_id, key_id);
        else notes.is_idle = !(await endKey(context, user_id, key_id, made));
      });
      return context.body(null, 204);
    },
  );
  addOperation(
    app,
    {
      method: "delete",
      path: "/v1/users/{user_id}/sessions",
      tag,
      summary: "Sign a user out everywhere",
      description: "Ends all sessions of the user. API keys stay.",
      scope: "admin",
      params: userParams,
      records: ["session.delete"],
      answers: { 204: { description: "The user has no session any more." } },
      problems: ["not_found"],
    },
    async (context, { params: { user_id } }) => {
      await audited(context, { action: "session.delete", user_id, target: null }, async () => {
        await requireLiveAdmin(context);
        await requireUser(context, user_id);
        await endSessions(context.env.DB, user_id);
      });
      context.get("authenticator").forgetUser(user_id);
      return context.body(null, 204);
    },
  );
}

async function endOneSession(context: AppContext, user_id: string, session_id: string): Promise<void> {
  const ended = await endSession(context.env.DB, user_id, session_id, Date.now());
  if (!ended) throw new Problem("not_found", "There is no such session.");
  context.get("authenticator").forget(session_id);
}

async function requireUser(context: AppContext, user_id: string): Promise<void> {
  if ((await readUser(context.env.DB, user_id)) === null) throw noSuchUser(user_id);
}
