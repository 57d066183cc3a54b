// Users are made with the admin key, each with a first API key. `/v1/users/me` says to whom a request's key belongs.
import { newId } from "../../protocol/ids.ts";
import { createUser, readUserName } from "../../store/users.ts";
import { mintApiKey } from "../api-key.ts";
import type { App } from "../context.ts";
import { Problem } from "../errors.ts";
import { addOperation } from "../operation.ts";
import { currentUser, newUser, userBody } from "../schemas.ts";

export function addUsers(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/users",
      tag: "Users and keys",
      summary: "Make a user",
      description: "Needs the admin key. The user's first API key is returned only this once.",
      body: userBody,
      answers: { 201: { description: "The user and a key.", schema: newUser } },
      problems: ["forbidden", "already_exists"],
    },
    async (context, { body }) => {
      if (!context.get("caller").is_admin) throw new Problem("forbidden", "Only the admin key makes users.");
      const now = Date.now();
      const user = { user_id: body.user_id ?? newId("user", now), name: body.name ?? null };
      const { key, stored } = await mintApiKey("first key", context.get("caller").key_id, now);
      const made = await createUser(context.env.DB, { ...user, created_at: new Date(now).toISOString() }, stored);
      if (!made)
        throw new Problem("already_exists", `There is a user ${user.user_id}, or one whose id differs only in case.`);
      return context.json({ ...user, api_key: key }, 201);
    },
  );

  addOperation(
    app,
    {
      method: "get",
      path: "/v1/users/me",
      tag: "Users and keys",
      summary: "Read whose key it is",
      answers: { 200: { description: "The user of the request's key.", schema: currentUser } },
    },
    async (context) => {
      const { user_id, is_admin } = context.get("caller");
      return context.json({ user_id, name: await readUserName(context.env.DB, user_id), is_admin });
    },
  );
}
