// The caller's own API keys.
import { z } from "@hono/zod-openapi";
import { clientId } from "../../protocol/ids.ts";
import { createApiKey, deleteApiKey, listApiKeys } from "../../store/api-keys.ts";
import { whileMakerLives } from "../../store/keys/maker.ts";
import { mintApiKey } from "../api-key.ts";
import type { App } from "../context.ts";
import { Problem, unwrap } from "../errors.ts";
import { addOperation } from "../operation.ts";
import { apiKey, apiKeyBody, newApiKey, pageOf, pageQuery } from "../schemas.ts";
import { revokeWithMade } from "./made.ts";

const tag = "Users and keys";

export function addApiKeys(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/api-keys",
      tag,
      summary: "Make an API key",
      description: "`key` is returned only this once.",
      body: apiKeyBody,
      answers: { 201: { description: "The key.", schema: newApiKey } },
    },
    async (context, { body }) => {
      const { user_id, key_id: maker } = context.get("caller");
      const { key, stored } = await mintApiKey(body.name ?? null, maker, Date.now());
      unwrap(await whileMakerLives(createApiKey(context.env.DB, user_id, stored)));
      const { key_id, name, created_at, made_by } = stored;
      return context.json({ key_id, name, key, created_at, made_by }, 201);
    },
  );

  addOperation(
    app,
    {
      method: "get",
      path: "/v1/api-keys",
      tag,
      summary: "List API keys",
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
      description:
        "With `made=revoke`, deletes the keys that it made too, pauses their triggers and webhooks for good, and ends their links, SSH access and Slack connections. The key may be deleted already, or be `admin_key`. What the sandbox provider does not confirm within ten seconds is ended later.",
      params: z.object({ key_id: clientId }),
      query: z.strictObject({
        made: z
          .enum(["keep", "revoke"])
          .default("keep")
          .openapi({ description: "What happens to what the key made (`GET /v1/api-keys/{key_id}/made`)." }),
      }),
      answers: { 204: { description: "The key is deleted and no longer valid." } },
      problems: ["not_found"],
    },
    async (context, { params, query }) => {
      if (query.made === "revoke") {
        await revokeWithMade(context, params.key_id);
        return context.body(null, 204);
      }
      const { user_id } = context.get("caller");
      const deleted = await deleteApiKey(context.env.DB, user_id, params.key_id, Date.now());
      if (!deleted) throw new Problem("not_found", "There is no such key.");
      context.get("authenticator").forget(params.key_id);
      return context.body(null, 204);
    },
  );
}
