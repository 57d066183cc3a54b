// Users: made by the holder of the admin key, each with a first API key.
import { newId } from "../protocol/ids.ts";
import { createUser } from "../store/users.ts";
import { mintApiKey } from "./api-key.ts";
import type { App } from "./context.ts";
import { Problem } from "./errors.ts";
import { addOperation } from "./operation.ts";
import { newUser, userBody } from "./schemas.ts";

export function addUsers(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/users",
      tag: "Users and keys",
      summary: "Make a user",
      description: "With the admin key only. The user's first API key is shown this once.",
      body: userBody,
      answers: { 201: { description: "The user and a key.", schema: newUser } },
      problems: ["forbidden", "already_exists"],
    },
    async (context, { body }) => {
      if (!context.get("caller").is_admin) throw new Problem("forbidden", "Only the admin key makes users.");
      const now = Date.now();
      const user = { user_id: body.user_id ?? newId("user", now), name: body.name ?? null };
      const { key, stored } = await mintApiKey("first key", now);
      const made = await createUser(context.env.DB, { ...user, created_at: new Date(now).toISOString() }, stored);
      if (!made) throw new Problem("already_exists", `There is a user ${user.user_id}.`);
      return context.json({ ...user, api_key: key }, 201);
    },
  );
}
