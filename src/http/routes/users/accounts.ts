// Accounts: an admin makes and lists users. `/v1/users/me` says to whom a request's key belongs.
import { z } from "@hono/zod-openapi";
import { ADMIN_KEY_ID, FIRST_USER_ID, newId } from "../../../protocol/ids.ts";
import { userStates } from "../../../protocol/people/user.ts";
import { whileMakerLives } from "../../../store/keys/maker.ts";
import {
  countThings,
  createUser,
  listUsers,
  readOwnUser,
  readUser,
  type Taken,
  type UserPatch,
} from "../../../store/people/users.ts";
import { mintApiKey } from "../../api-key.ts";
import { audited } from "../../audit.ts";
import type { App } from "../../context.ts";
import { Problem, unwrap } from "../../errors.ts";
import { addOperation } from "../../operation.ts";
import { pageOf, pageQuery } from "../../schemas.ts";
import { currentUser } from "../key-schemas.ts";
import { requireLiveAdmin } from "./live-admin.ts";
import { newUser, user, userBody, userParams, userWithCounts } from "./schemas.ts";

export const tag = "Users and keys";

export function addUsers(app: App): void {
  addCreate(app);
  addMe(app);
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/users",
      tag,
      summary: "List users",
      description: "Deleted users stay in the list, without name and email.",
      scope: "admin",
      query: pageQuery.extend({
        state: z.enum(userStates).optional().openapi({ description: "Only users in this state.", example: "active" }),
      }),
      answers: { 200: { description: "Users, newest first, with deleted ones.", schema: pageOf(user) } },
      problems: ["bad_cursor"],
    },
    async (context, { query: { limit, cursor = null, state = null } }) =>
      context.json(unwrap(await listUsers(context.env.DB, { limit, cursor }, state))),
  );
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/users/{user_id}",
      tag,
      summary: "Read a user",
      description: "Includes counts of what the user has.",
      scope: "admin",
      params: userParams,
      answers: { 200: { description: "The account, and how much it has.", schema: userWithCounts } },
      problems: ["not_found"],
    },
    async (context, { params: { user_id } }) => {
      const found = await readUser(context.env.DB, user_id);
      if (found === null) throw noSuchUser(user_id);
      return context.json({ ...found, counts: await countThings(context.env.DB, user_id) });
    },
  );
}

function addCreate(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/users",
      tag,
      summary: "Create a user",
      description: "The user's first API key is returned only this once.",
      scope: "admin",
      body: userBody,
      records: ["user.create"],
      answers: { 201: { description: "The user and a key.", schema: newUser } },
      problems: ["already_exists"],
    },
    async (context, { body }) => {
      const now = Date.now();
      const { user_id = newId("user", now), name = null, email = null, role = null } = body;
      const { caps = null, quotas = null, retention_days = null } = body;
      const shown = { user_id, name, email, role, caps, quotas, retention_days };
      const maker = context.get("caller");
      const { key, stored } = await mintApiKey({ name: "first key", made_by: maker.key_id }, now);
      const row = { ...shown, created_at: stored.created_at };
      // Not as an entry of that user, who may be another one than the admin means, nor of the first user, for whom the admin
      // key does not act.
      const about = maker.admin_standing === undefined ? {} : { user_id: null };
      const act = {
        action: "user.create",
        target: user_id,
        details: { role, ...describeLimits(body) },
        ...about,
      } as const;
      await audited(context, act, async () => {
        await requireLiveAdmin(context);
        const made = createUser(context.env.DB, row, stored, maker.user_id);
        const taken = unwrap(await whileMakerLives(made));
        if (taken !== null) throw alreadyTaken(taken, user_id);
      });
      return context.json({ ...shown, api_key: key }, 201);
    },
  );
}

function addMe(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/users/me",
      tag,
      summary: "Read the key's user and scopes",
      description: "Works with any key. An app can call it first to decide what to show.",
      scope: "any",
      answers: { 200: { description: "The user of the request's key.", schema: currentUser } },
    },
    async (context) => {
      const { user_id, key_id, scopes, expires_at } = context.get("caller");
      // An operator's first look, also while D1 fails.
      const reading = readOwnUser(context.env.DB, user_id);
      const own = await (user_id === FIRST_USER_ID ? reading.catch(() => null) : reading);
      const days = own?.retention_days ?? context.get("config").retention_days;
      const expiry = expires_at === null ? null : new Date(expires_at).toISOString();
      return context.json({
        ...{ user_id, name: own?.name ?? null, is_admin: key_id === ADMIN_KEY_ID, key_id, scopes, expires_at: expiry },
        // An admin's 0 keeps threads for ever.
        retention_days: days === 0 ? null : days,
      });
    },
  );
}

/** For the audit: what caps and quotas become, as JSON, and how long threads are kept. */
export function describeLimits({
  caps,
  quotas,
  retention_days,
}: Pick<UserPatch, "caps" | "quotas" | "retention_days">): Record<string, string | number | null> {
  return {
    ...(retention_days === undefined ? {} : { retention_days }),
    ...(caps === undefined ? {} : { caps: JSON.stringify(caps) }),
    ...(quotas === undefined ? {} : { quotas: JSON.stringify(quotas) }),
  };
}

export function noSuchUser(user_id: string): Problem {
  return new Problem("not_found", `There is no user ${user_id}.`);
}

export function alreadyTaken(taken: Taken, user_id: string): Problem {
  if (taken === "email") return new Problem("already_exists", "Another user has this email.");
  return new Problem("already_exists", `There is or was a user ${user_id}, or one whose id differs only in case.`);
}
