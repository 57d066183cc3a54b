// API keys, and whose a request's key is, as the API describes and checks them.
import { z } from "@hono/zod-openapi";
import { scopes } from "../../protocol/keys/scope.ts";
import { late } from "../../protocol/schemas/late.ts";
import * as examples from "../examples.ts";
import { madeBy, time, title } from "../schemas.ts";

const scope = z.enum(scopes);
const expiry = time.nullable().openapi({ description: "When the key expires; null for never." });
export const currentUser = late(() =>
  z
    .object({
      user_id: z.string(),
      name: z.string().nullable(),
      is_admin: z.boolean().openapi({ description: "Whether the key is the admin key." }),
      key_id: z.string(),
      scopes: z.array(scope).openapi({ description: "All that the key may do." }),
      expires_at: expiry,
      retention_days: z.int().nullable().openapi({
        description:
          "The user's threads without activity for so many days are deleted, unless their project says fewer; null keeps them.",
      }),
    })
    .openapi("CurrentUser", {
      example: {
        user_id: "user_ada",
        name: "Ada",
        is_admin: false,
        key_id: examples.apiKey.key_id,
        scopes: ["read", "run"],
        expires_at: null,
        retention_days: null,
      },
    }),
);

/** Longer than any key should live, and within what dates can express. */
const MAX_KEY_SECONDS = 10 * 365 * 86_400;

export const apiKeyBody = late(() =>
  z
    .strictObject({
      name: title.nullable().optional(),
      scopes: z.array(scope).min(1).max(scopes.length).optional().openapi({
        description:
          "`run` includes `read`, and `write` includes both. By default, the scopes of the key that creates it, without `admin`.",
      }),
      expires_in_seconds: z.int().min(1).max(MAX_KEY_SECONDS).optional().openapi({
        description: "If absent, it expires with the key that makes it, or never.",
      }),
    })
    .openapi({ example: { name: "laptop", scopes: ["run"], expires_in_seconds: 2_592_000 } }),
);
export const apiKey = late(() =>
  z
    .object({
      key_id: z.string(),
      name: z.string().nullable(),
      created_at: time,
      made_by: madeBy,
      scopes: z.array(scope).nullable().openapi({
        description: "What it may do. Null for all that the user may do, which does not include `admin`.",
      }),
      expires_at: expiry,
      last_used_at: time
        .nullable()
        .openapi({ description: "To the hour. Null if it was never used, or that is not recorded." }),
    })
    .openapi("ApiKey", { example: examples.apiKey }),
);
export const newApiKey = late(() =>
  z
    .object({ ...apiKey().shape, key: z.string() })
    .openapi("NewApiKey", { example: { ...examples.apiKey, key: examples.key } }),
);
