// Accounts, as the API describes and checks them.
import { z } from "@hono/zod-openapi";
import { MAX_RETENTION_DAYS } from "../../../config/retention.ts";
import { clientId } from "../../../protocol/ids.ts";
import { periodCaps } from "../../../protocol/money/caps.ts";
import { describeFixed, quotas as knownQuotas, MAX_QUOTA } from "../../../protocol/money/quotas.ts";
import { userRoles, userStates } from "../../../protocol/people/user.ts";
import { late } from "../../../protocol/schemas/late.ts";
import { limitNames } from "../../../protocol/schemas/many.ts";
import * as examples from "../../examples.ts";
import { time, title, wellFormed } from "../../schemas.ts";

/** As long as an address may be (RFC 5321). */
const EMAIL_CHARACTERS = 254;

/** Only its form is checked: that it is the person's is for a sign-in to prove. */
const email = late(() =>
  wellFormed
    .max(EMAIL_CHARACTERS)
    .regex(/^[^\s@]+@[^\s@]+$/, "is not an email address")
    .nullable()
    .openapi({
      description:
        "Unique, regardless of upper and lower case. A person who signs in for the first time with this address, verified, becomes this user, unless the user has signed in before.",
    }),
);
const role = late(() =>
  z
    .enum(userRoles)
    .nullable()
    .openapi({ description: "With `admin`, the user's sessions have the scope `admin` too." }),
);

// Copies, because the originals may have been made before the zod extension that adds `openapi`.
const caps = late(() =>
  z
    .strictObject(periodCaps.shape)
    .nullable()
    .openapi({
      description:
        "Caps for a day and a month in UTC. Each replaces the cap of the settings. If one is null or absent, the settings apply.",
      example: { day: { max_cost_usd: 5 }, month: { max_cost_usd: 50 } },
    }),
);

const quotaNames = Object.keys(knownQuotas);
const quotas = late(() =>
  limitNames(
    z.record(z.string(), z.int().min(0).max(MAX_QUOTA)).superRefine((given, issues) => {
      const unknown = Object.keys(given).find((name) => !quotaNames.includes(name));
      if (unknown === undefined) return;
      issues.addIssue({
        code: "custom",
        path: [unknown],
        message: `${describeFixed(unknown) ?? "is not known"}; quotas are ${quotaNames.join(", ")}`,
      });
    }),
    quotaNames.length,
    `has more names than there are; quotas are ${quotaNames.join(", ")}`,
  )
    .nullable()
    .openapi({
      description: "Quotas by name, in place of the defaults. An absent quota has its default; null resets all.",
      example: {},
    }),
);

const retentionDays = late(() =>
  z.int().min(0).max(MAX_RETENTION_DAYS).nullable().openapi({
    description:
      "Threads without activity for so many days are deleted, in place of the setting RETENTION_DAYS. 0 keeps them for ever; null takes the setting.",
  }),
);

export const userBody = late(() =>
  z
    .strictObject({
      user_id: clientId
        .refine((id) => id.toLowerCase() !== "me", "must not be `me`, which means whoever asks")
        .optional(),
      name: title.nullable().optional(),
      email: email().optional(),
      role: role().optional(),
      caps: caps().optional(),
      quotas: quotas().optional(),
      retention_days: retentionDays().optional(),
    })
    .openapi({ example: { name: "Ada" } }),
);

/** A later version may know others. */
const storedQuotas = late(() => z.record(z.string(), z.number()).nullable());

export const newUser = late(() =>
  z
    .object({
      user_id: z.string(),
      name: z.string().nullable(),
      email: email(),
      role: role(),
      caps: caps(),
      quotas: storedQuotas(),
      retention_days: retentionDays(),
      api_key: z.string(),
    })
    .openapi("NewUser", {
      example: {
        ...{ user_id: "user_ada", name: "Ada", email: null, role: null },
        ...{ caps: null, quotas: null, retention_days: null, api_key: examples.key },
      },
    }),
);

export const userPatch = late(() =>
  z
    .strictObject({
      name: title.nullable().optional(),
      email: email().optional(),
      role: role().optional(),
      disabled: z.boolean().optional(),
      caps: caps().optional(),
      quotas: quotas().optional(),
      retention_days: retentionDays().optional(),
    })
    .refine((patch) => Object.keys(patch).length > 0, "has nothing to change")
    .openapi({ example: { disabled: true } }),
);

const example = {
  user_id: "user_ada",
  name: "Ada",
  email: "ada@example.com",
  role: null,
  caps: { day: { max_cost_usd: 5 } },
  quotas: null,
  retention_days: null,
  state: "active",
  created_at: examples.time,
  disabled_at: null,
  deleted_at: null,
} as const;

const fields = late(() => ({
  user_id: z.string(),
  name: z.string().nullable(),
  email: z.string().nullable(),
  role: role(),
  caps: caps(),
  quotas: storedQuotas(),
  retention_days: retentionDays(),
  state: z.enum(userStates).openapi({ description: "`deleting` until nothing of the user is left." }),
  created_at: time.nullable().openapi({ description: "Null for `user_first`, if nobody recorded it." }),
  disabled_at: time.nullable(),
  deleted_at: time.nullable(),
}));

export const user = late(() => z.object(fields()).openapi("User", { example }));

const count = z.int();
const counts = late(() =>
  z.object({
    api_keys: count,
    sessions: count,
    threads: count,
    projects: count,
    triggers: count,
    webhooks: count,
    slack_workspaces: count,
  }),
);

export const userWithCounts = late(() =>
  z.object({ ...fields(), counts: counts() }).openapi("UserWithCounts", {
    example: {
      ...example,
      counts: { api_keys: 2, sessions: 1, threads: 40, projects: 3, triggers: 1, webhooks: 0, slack_workspaces: 0 },
    },
  }),
);

export const userParams = z.object({ user_id: clientId });
