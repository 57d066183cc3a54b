// Users are made with the admin key, each with a first API key. `/v1/users/me` says to whom a request's key belongs.
import { ADMIN_KEY_ID, newId } from "../../protocol/ids.ts";
import { whileMakerLives } from "../../store/keys/maker.ts";
import { createUser, readUserName } from "../../store/users.ts";
import { mintApiKey } from "../api-key.ts";
import { audited } from "../audit.ts";
import type { App } from "../context.ts";
import { Problem, unwrap } from "../errors.ts";
import { addOperation } from "../operation.ts";
import { currentUser, newUser, userBody } from "./key-schemas.ts";

export function addUsers(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/users",
      tag: "Users and keys",
      summary: "Make a user",
      description: "The user's first API key is returned only this once.",
      scope: "admin",
      body: userBody,
      answers: { 201: { description: "The user and a key.", schema: newUser } },
      problems: ["already_exists"],
      records: ["user.create"],
    },
    async (context, { body }) => {
      const now = Date.now();
      const user = { user_id: body.user_id ?? newId("user", now), name: body.name ?? null };
      const maker = context.get("caller");
      const { key, stored } = await mintApiKey({ name: "first key", made_by: maker.key_id }, now);
      const row = { ...user, created_at: new Date(now).toISOString() };
      const { user_id } = user;
      const details = { first_key: stored.key_id };
      await audited(context, { action: "user.create", user_id, target: user_id, details }, async () => {
        const made = unwrap(await whileMakerLives(createUser(context.env.DB, row, stored, maker.user_id)));
        if (!made)
          throw new Problem("already_exists", `There is a user ${user_id}, or one whose id differs only in case.`);
      });
      return context.json({ ...user, api_key: key }, 201);
    },
  );

  addOperation(
    app,
    {
      method: "get",
      path: "/v1/users/me",
      tag: "Users and keys",
      summary: "Read whose key it is, and what it may do",
      scope: "any",
      answers: { 200: { description: "The user of the request's key.", schema: currentUser } },
    },
    async (context) => {
      const { user_id, key_id, scopes, expires_at } = context.get("caller");
      const name = await readUserName(context.env.DB, user_id);
      const expiry = expires_at === null ? null : new Date(expires_at).toISOString();
      return context.json({ user_id, name, is_admin: key_id === ADMIN_KEY_ID, key_id, scopes, expires_at: expiry });
    },
  );
}
