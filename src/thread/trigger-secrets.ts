// Secrets of webhook triggers: sealed on their way into the store, and opened for the one delivery that is looked at. A trigger has
// one, and for a time after a rotation those before it too, so that a sender is changed without a delivery lost: also where
// the answer of a rotation was lost and it is rotated again.
import { z } from "zod";
import { rotateKeys } from "../integrations/index.ts";
import { createSeal } from "../lib/seal.ts";
import { fail, type Result, succeed } from "../protocol/error.ts";
import { newId } from "../protocol/ids.ts";
import type { Trigger } from "../protocol/trigger.ts";
import { putSecret, readSecret, replaceSecret, type Secret } from "../store/secrets.ts";

export interface TriggerSecretPorts {
  database: D1Database;
  /** The first seals, each opens; none where the server has no ENCRYPTION_KEY. */
  encryption_keys: string[];
}

/** The newest first; `until` is null for the one that is in use. */
const triggerSecrets = z.array(z.object({ secret: z.string(), until: z.string().nullable() }));
type TriggerSecrets = z.infer<typeof triggerSecrets>;

type Owner = Pick<Trigger, "user_id" | "trigger_id">;

/** Replaces what was stored. */
export async function storeTriggerSecret(
  ports: TriggerSecretPorts,
  owner: Owner,
  secret: string,
  now: number,
): Promise<Result<null>> {
  const row = await sealSecrets(ports, owner, [{ secret, until: null }], now);
  if (!row.ok) return row;
  await putSecret(ports.database, row.value);
  return succeed(null);
}

// Each loses to another that came between.
const ROTATIONS_TRIED = 5;

/** Those before it open too for `overlap_ms`, none longer than it was to; what can't be opened any more is forgotten. */
export async function rotateTriggerSecret(
  ports: TriggerSecretPorts,
  owner: Owner,
  secret: string,
  overlap_ms: number,
  now: number,
): Promise<Result<null>> {
  const { user_id, trigger_id } = owner;
  for (let time = 0; time < ROTATIONS_TRIED; time++) {
    const former = await readSecret(ports.database, { user_id, kind: "trigger", name: trigger_id });
    if (former === null) return fail("not_found", `There is no trigger ${trigger_id}.`);
    const opened = await openSecrets(ports.encryption_keys, former);
    const row = await sealSecrets(
      ports,
      owner,
      rotateKeys(opened.ok ? opened.value : [], secret, overlap_ms, now),
      now,
    );
    if (!row.ok) return row;
    if (await replaceSecret(ports.database, row.value, former.secret_id)) return succeed(null);
  }
  return fail("version_conflict", "The secret is being rotated by others just now.");
}

/** Those that open the trigger now, the current one first. The failure says what its owner can do. */
export async function openTriggerSecrets(
  encryption_keys: string[],
  row: Secret | null,
  now: number,
): Promise<Result<string[]>> {
  const opened = await openSecrets(encryption_keys, row);
  if (!opened.ok) return opened;
  return succeed(
    opened.value.filter(({ until }) => until === null || Date.parse(until) > now).map(({ secret }) => secret),
  );
}

async function sealSecrets(
  { encryption_keys }: TriggerSecretPorts,
  { user_id, trigger_id }: Owner,
  secrets: TriggerSecrets,
  now: number,
): Promise<Result<Secret>> {
  if (encryption_keys.length === 0) return unconfigured;
  const secret_id = newId("sec");
  const sealed = await createSeal(encryption_keys).seal(JSON.stringify(secrets), [user_id, secret_id]);
  const at = new Date(now).toISOString();
  const times = { created_at: at, updated_at: at };
  return succeed({ user_id, kind: "trigger", name: trigger_id, secret_id, ...times, ...sealed });
}

async function openSecrets(encryption_keys: string[], row: Secret | null): Promise<Result<TriggerSecrets>> {
  if (encryption_keys.length === 0) return unconfigured;
  if (row === null) return fail("not_configured", "The trigger has no secret. Make a new one.");
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
