// What an operator should know of the server and nobody else: settings to fix, and how far a change of ENCRYPTION_KEY
// is. `/healthz` is open to everybody and says none of it.
import { z } from "@hono/zod-openapi";
import { findWarnings } from "../../config/warnings.ts";
import { late } from "../../protocol/schemas/late.ts";
import { reportSeals } from "../../secrets/reseal.ts";
import { readAdminKeyActs } from "../../store/people/admin-key.ts";
import { readExpiredCount } from "../../store/retention/count.ts";
import { type DatabaseSize, databaseSize } from "../../store/server/size.ts";
import { findMisplacement } from "../../thread/place.ts";
import type { App, AppContext } from "../context.ts";
import * as examples from "../examples.ts";
import { addOperation } from "../operation.ts";
import { time } from "../schemas.ts";
import { VERSION } from "../version.ts";

const encryption = late(() =>
  z.object({
    keys: z
      .array(z.object({ key_id: z.string(), is_first: z.boolean(), secrets: z.int() }))
      .openapi({ description: "The keys of ENCRYPTION_KEY in their order, by ids that reveal nothing of them." }),
    waiting: z.int().openapi({ description: "Secrets that the clock will seal with the first key." }),
    unreadable: z.int().openapi({ description: "Secrets that no key opens; they are left as they are." }),
    first_unreadable: z.array(z.object({ user_id: z.string(), kind: z.string(), name: z.string() })),
    former_keys_may_go: z.boolean().openapi({ description: "Whether all keys but the first can be removed." }),
  }),
);

const database = late(() =>
  z
    .object({
      bytes: z.int(),
      limit_bytes: z.int().openapi({ description: "What DATABASE_LIMIT_MB says." }),
      share: z.number().openapi({ description: "1 is full." }),
    })
    .openapi({ description: "How large D1 is; null if it has not said so." }),
);

const retention = late(() =>
  z
    .object({
      days: z.int().nullable().openapi({ description: "RETENTION_DAYS. Users and projects may have their own." }),
      threads_deleted: z.int().openapi({ description: "All that were deleted because they were too old." }),
      last_deleted_at: time.nullable(),
    })
    .openapi({ description: "How long threads are kept; null while D1 fails." }),
);

const serverAnswer = late(() =>
  z
    .object({
      version: z.string(),
      stand_ins: z.array(z.string()),
      warnings: z.array(z.string()),
      encryption: encryption().nullable(),
      database: database().nullable(),
      retention: retention().nullable(),
    })
    .openapi("Server", {
      example: {
        ...{ version: VERSION, stand_ins: [], warnings: [], encryption: null },
        database: { bytes: 2_400_000_000, limit_bytes: 10_000_000_000, share: 0.24 },
        retention: { days: 365, threads_deleted: 1200, last_deleted_at: examples.time },
      },
    }),
);

const ADMIN_KEY_ACTS =
  "ADMIN_API_KEY still acts for user_first. Make a key for that user (POST /v1/api-keys): from then on it only administers.";

/** Nothing while D1 fails: the rest of the answer says so. */
async function warnOfAdminKey({ env, get }: AppContext): Promise<string[]> {
  if (get("config").admin_key_only_admin) return [];
  return (await readAdminKeyActs(env.DB)).acts ? [ADMIN_KEY_ACTS] : [];
}

async function warnOfPlace({ env, get }: AppContext): Promise<string[]> {
  const words = await findMisplacement(get("config"), env.DB);
  return words === null ? [] : [words];
}

function warnOfSize(size: DatabaseSize | null): string[] {
  if (!size?.is_filling) return [];
  const percent = Math.floor(size.share * 100);
  return [`The database is ${percent} % full. Set RETENTION_DAYS, or delete threads (docs/operating.md).`];
}

/** An operator looks here while D1 is away, too. */
async function readRetention({ env, get }: AppContext) {
  try {
    const expired = await readExpiredCount(env.DB);
    const { count = 0, last_at = null } = expired ?? {};
    return { days: get("config").retention_days, threads_deleted: count, last_deleted_at: last_at };
  } catch {
    return null;
  }
}

export function addServer(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/server",
      tag: "Server",
      summary: "Read what an operator should know",
      description:
        "Settings to fix, the state of encryption, the size of the database and retention. Counts secrets and shows none.",
      scope: "admin",
      answers: { 200: { description: "The server.", schema: serverAnswer } },
    },
    async (context) => {
      const config = context.get("config");
      const { stand_ins, encryption_keys } = config;
      const ports = { database: context.env.DB, encryption_keys };
      const retention = await readRetention(context);
      const size = databaseSize(config.database_limit);
      return context.json({
        version: VERSION,
        stand_ins,
        warnings: [
          ...findWarnings(config),
          ...(await warnOfPlace(context)),
          ...(await warnOfAdminKey(context)),
          ...warnOfSize(size),
        ],
        encryption: encryption_keys.length === 0 ? null : await reportSeals(ports),
        database: size && { bytes: size.bytes, limit_bytes: size.limit_bytes, share: size.share },
        retention,
      });
    },
  );
}
