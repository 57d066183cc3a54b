// What an API key made, and its revocation together with the key.
import { z } from "@hono/zod-openapi";
import { describeError, logWarning } from "../../lib/log.ts";
import { withinTime } from "../../lib/time-limit.ts";
import { forgetLinks } from "../../projects/previews/previews.ts";
import { endRevokedAccess } from "../../projects/revocation.ts";
import { ADMIN_KEY_ID, clientId } from "../../protocol/ids.ts";
import type { Job } from "../../protocol/job.ts";
import { late } from "../../protocol/schemas/late.ts";
import { findProvider } from "../../sandboxes/index.ts";
import { isKnownKey, listMade, MAX_MADE, madeTypes, UNKNOWN_MAKER } from "../../store/keys/made.ts";
import { revokeMade } from "../../store/keys/revocation.ts";
import { clock } from "../../thread/ports.ts";
import type { App, AppContext } from "../context.ts";
import { Problem } from "../errors.ts";
import { apiKey as example } from "../examples.ts";
import { addOperation } from "../operation.ts";
import { madeBy, time } from "../schemas.ts";

/** The caller waits this long for the sandbox provider. */
const END_LIMIT_MS = 10_000;
/** The job finds nothing to do if the request itself came to its end. */
const JOB_DELAY_SECONDS = 15;

const madeThing = late(() =>
  z
    .object({
      type: z.enum(madeTypes),
      id: z.string().openapi({ description: "The port of a preview; the project of an SSH access." }),
      project_id: z.string().optional(),
      name: z
        .string()
        .optional()
        .openapi({ description: "Of a trigger, how its prompt begins; of a webhook, its URL." }),
      enabled: z.boolean().optional(),
      pending: z
        .literal(true)
        .optional()
        .openapi({ description: "It is revoked here, and the sandbox provider has not confirmed it yet." }),
      created_at: time,
      expires_at: time.optional(),
      made_by: madeBy,
    })
    .openapi("MadeThing", {
      example: {
        type: "preview",
        id: "3000",
        project_id: "shop",
        created_at: example.created_at,
        made_by: example.key_id,
      },
    }),
);

export function addMade(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/api-keys/{key_id}/made",
      // It shows addresses of webhooks.
      scope: "write",
      tag: "Users and keys",
      summary: "List what an API key made",
      description: `Lists what gives access and still exists: keys, triggers, webhooks, preview links, SSH access and Slack workspaces, including those of keys that this key created. The key may be deleted. \`admin_key\` stands for the admin key, \`unknown\` for what has no known maker. The newest ${MAX_MADE}.`,
      params: z.object({ key_id: clientId }),
      answers: {
        200: {
          description: "Newest first.",
          schema: () => z.object({ data: z.array(madeThing()), next_cursor: z.null() }),
        },
      },
      problems: ["not_found"],
    },
    async (context, { params }) => {
      const { user_id } = context.get("caller");
      const data = await listMade(context.env.DB, user_id, params.key_id, Date.now());
      if (data.length === 0) await requireKnown(context, user_id, params.key_id, [ADMIN_KEY_ID, UNKNOWN_MAKER]);
      return context.json({ data, next_cursor: null });
    },
  );
}

/**
 * Deletes the user's key, the keys that it made, and ends what they made. Throws `not_found` if nothing is known of it.
 * Returns false if neither a key nor a link was left of it.
 */
export async function revokeWithMade(context: AppContext, user_id: string, key_id: string): Promise<boolean> {
  const { DB, JOBS } = context.env;
  const made = key_id === UNKNOWN_MAKER ? [] : await listMade(DB, user_id, key_id, Date.now());
  if (made.length === 0) await requireKnown(context, user_id, key_id);
  // Sent first: if this request dies on its way, the job does all of it.
  const job = { type: "revoke_made", user_id, key_id, attempt: 1 } satisfies Job;
  await JOBS.send(job, { delaySeconds: JOB_DELAY_SECONDS });
  const { key_ids, tokens } = await revokeMade(DB, user_id, key_id, Date.now());
  for (const deleted of [key_id, ...key_ids]) context.get("authenticator").forget(deleted);
  forgetLinks(tokens);
  const config = context.get("config");
  const end = new AbortController();
  const ended = endRevokedAccess({ config, provider: findProvider(config), database: DB, user_id }, end.signal);
  try {
    await withinTime(clock, END_LIMIT_MS, "the sandbox provider", ended);
  } catch (error) {
    end.abort(new Error("The job goes on"));
    ended.catch(() => {});
    logWarning("access_left", { user_id, attempt: 0, error: describeError(error) });
  }
  return key_ids.length + tokens.length > 0;
}

async function requireKnown(
  context: AppContext,
  user_id: string,
  key_id: string,
  others: string[] = [],
): Promise<void> {
  if (others.includes(key_id)) return;
  const isKnown = await isKnownKey(context.env.DB, user_id, key_id);
  if (!isKnown) throw new Problem("not_found", "There is no such key.");
}
