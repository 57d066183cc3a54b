// Secrets of webhook triggers: sealed on their way into the store, and opened for the one delivery that is looked at. A trigger has
// one, and for a time after a rotation the one before it too, so that a sender is changed without a delivery lost.
import { z } from "zod";
import { createSeal } from "../lib/seal.ts";
import { fail, type Result, succeed } from "../protocol/error.ts";
import { newId } from "../protocol/ids.ts";
import type { Trigger } from "../protocol/trigger.ts";
import { putSecret, readSecret, type Secret } from "../store/secrets.ts";

export interface TriggerSecretPorts {
  database: D1Database;
  /** The first seals, each opens; none where the server has no ENCRYPTION_KEY. */
  encryption_keys: string[];
}

const triggerSecrets = z.object({
  current: z.string(),
  previous: z.string().nullable(),
  /** Until when the previous one opens too, in ms. */
  previous_until: z.number(),
});
type TriggerSecrets = z.infer<typeof triggerSecrets>;

type Owner = Pick<Trigger, "user_id" | "trigger_id">;

/** Replaces what was stored. */
export function storeTriggerSecret(
  ports: TriggerSecretPorts,
  owner: Owner,
  secret: string,
  now: number,
): Promise<Result<null>> {
  return store(ports, owner, { current: secret, previous: null, previous_until: 0 }, now);
}

/** The one that was current opens too for `overlap_ms`; one that can't be opened any more is forgotten. */
export async function rotateTriggerSecret(
  ports: TriggerSecretPorts,
  owner: Owner,
  secret: string,
  overlap_ms: number,
  now: number,
): Promise<Result<null>> {
  const row = await readSecret(ports.database, { user_id: owner.user_id, kind: "trigger", name: owner.trigger_id });
  const before = await openSecrets(ports.encryption_keys, row);
  const previous = before.ok && overlap_ms > 0 ? before.value.current : null;
  return await store(ports, owner, { current: secret, previous, previous_until: now + overlap_ms }, now);
}

/** Those that open the trigger now, the current one first. The failure says what its owner can do. */
export async function openTriggerSecrets(
  encryption_keys: string[],
  row: Secret | null,
  now: number,
): Promise<Result<string[]>> {
  const opened = await openSecrets(encryption_keys, row);
  if (!opened.ok) return opened;
  const { current, previous, previous_until } = opened.value;
  return succeed(previous !== null && previous_until > now ? [current, previous] : [current]);
}

async function store(
  { database, encryption_keys }: TriggerSecretPorts,
  { user_id, trigger_id }: Owner,
  secrets: TriggerSecrets,
  now: number,
): Promise<Result<null>> {
  if (encryption_keys.length === 0) return unconfigured;
  const secret_id = newId("sec");
  const sealed = await createSeal(encryption_keys).seal(JSON.stringify(secrets), [user_id, secret_id]);
  const at = new Date(now).toISOString();
  const times = { created_at: at, updated_at: at };
  await putSecret(database, { user_id, kind: "trigger", name: trigger_id, secret_id, ...times, ...sealed });
  return succeed(null);
}

async function openSecrets(encryption_keys: string[], row: Secret | null): Promise<Result<TriggerSecrets>> {
  if (encryption_keys.length === 0) return unconfigured;
  if (row === null) return fail("not_configured", "The trigger has no secret. Rotate it.");
  const opened = await createSeal(encryption_keys).open(row, [row.user_id, row.secret_id]);
  if (opened.ok) {
    const read = triggerSecrets.safeParse(readJson(opened.text));
    if (read.success) return succeed(read.data);
  }
  const isKeyGone = !opened.ok && opened.reason === "key_missing";
  const why = isKeyGone ? "the key that encrypted it is not in the server's ENCRYPTION_KEY any more" : "it is damaged";
  return fail("not_configured", `The trigger's secret can't be opened: ${why}. Rotate it.`);
}

const unconfigured = fail("not_configured", "Secrets can't be kept: the server's setting ENCRYPTION_KEY is missing.");

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
