// What an operator should know of the server and nobody else: settings to mend, and how far a change of ENCRYPTION_KEY
// is. `/healthz` is open to everybody and says none of it.
import { z } from "@hono/zod-openapi";
import { findWarnings } from "../../config/warnings.ts";
import { late } from "../../protocol/schemas/late.ts";
import { reportSeals } from "../../secrets/reseal.ts";
import { readAdminKeyActs } from "../../store/people/admin-key.ts";
import { findMisplacement } from "../../thread/place.ts";
import type { App, AppContext } from "../context.ts";
import { addOperation } from "../operation.ts";
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

const serverAnswer = late(() =>
  z
    .object({
      version: z.string(),
      stand_ins: z.array(z.string()),
      warnings: z.array(z.string()),
      encryption: encryption().nullable(),
    })
    .openapi("Server", { example: { version: "0.1.0", stand_ins: [], warnings: [], encryption: null } }),
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

export function addServer(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/server",
      tag: "Server",
      summary: "Read settings to mend and the state of encryption",
      description: "Counts secrets and shows none.",
      scope: "admin",
      answers: { 200: { description: "The server.", schema: serverAnswer } },
    },
    async (context) => {
      const config = context.get("config");
      const { stand_ins, encryption_keys } = config;
      const ports = { database: context.env.DB, encryption_keys };
      return context.json({
        version: VERSION,
        stand_ins,
        warnings: [...findWarnings(config), ...(await warnOfPlace(context)), ...(await warnOfAdminKey(context))],
        encryption: encryption_keys.length === 0 ? null : await reportSeals(ports),
      });
    },
  );
}
