// Secrets that sign outgoing webhook deliveries and verify incoming ones. One key is in use. For a time after a
// rotation the former keys stay valid, so that no delivery is lost while the peer changes its key. This holds even if
// the answer to a rotation is lost and the key is rotated again.
import { isRecord } from "../lib/is-record.ts";
import { fail, type Result, succeed } from "../protocol/error.ts";
import { readSecret, replaceSecret, type Secret, type SecretName, takeOverSecret } from "../store/secrets.ts";
import { isList, isText, isTextOrNull, parseStored } from "../store/shapes/stored.ts";
import { openSecret, type SecretPorts, sealSecret } from "./sealed.ts";

/** A key that a delivery may be signed with. The first one is the newest; the others overlap with it until `until`. */
export interface SigningKey {
  secret: string;
  /** Null for the key in use. */
  until: string | null;
}

/** The key in use and those that it replaced. Signatures travel in a header, and headers are short. */
const MAX_KEYS = 4;

export type RotatedName = SecretName & { kind: "trigger" | "webhook" };

/** The row of a first secret. */
export function sealFirst(
  encryption_keys: string[],
  name: RotatedName,
  secret: string,
  at: string,
): Promise<Result<Secret>> {
  return sealSecret(encryption_keys, name, JSON.stringify([{ secret, until: null }] satisfies SigningKey[]), at);
}

// How often a rotation is tried; each try can lose to a concurrent one.
const ROTATIONS_TRIED = 5;

/**
 * Former keys stay valid for `overlap_ms`, but none longer than before. Keys that can't be decrypted any more are
 * dropped. With `made_by` the secret is a trigger's, which belongs to that key from now on; it may have lost its
 * secret.
 */
export async function rotateSecret(
  { database, encryption_keys }: SecretPorts,
  name: RotatedName,
  secret: string,
  overlap_ms: number,
  now: number,
  made_by: string | null = null,
): Promise<Result<null>> {
  for (let time = 0; time < ROTATIONS_TRIED; time++) {
    const former = await readSecret(database, name);
    if (former === null && made_by === null) return fail("not_found", `There is no ${name.kind} ${name.name}.`);
    const opened = former && (await openKeys(encryption_keys, former));
    const keys = rotateKeys(opened?.ok ? opened.value : [], secret, overlap_ms, now);
    const sealed = await sealSecret(encryption_keys, name, JSON.stringify(keys), new Date(now).toISOString());
    if (!sealed.ok) return sealed;
    const former_id = former?.secret_id ?? "";
    const until = new Date(now + overlap_ms).toISOString();
    const isStored =
      made_by === null
        ? await replaceSecret(database, sealed.value, former_id)
        : await takeOverSecret(database, sealed.value, former_id, { made_by, until });
    if (isStored) return succeed(null);
  }
  return fail("version_conflict", "The secret is being rotated by other requests. Try again.");
}

/** The keys after a rotation. Without an overlap all former keys end immediately, since one of them may have leaked. */
export function rotateKeys(former: SigningKey[], secret: string, overlap_ms: number, now: number): SigningKey[] {
  const until = new Date(now + overlap_ms).toISOString();
  const overlapping = former
    .map((key) => ({ ...key, until: key.until !== null && key.until < until ? key.until : until }))
    .filter((key) => Date.parse(key.until) > now && key.secret !== secret);
  return [{ secret, until: null }, ...overlapping].slice(0, MAX_KEYS);
}

/** The newest first, including those that have expired. */
export async function openKeys(encryption_keys: string[], row: Secret): Promise<Result<SigningKey[]>> {
  const opened = await openSecret(encryption_keys, row, { what: `The ${row.kind}'s secret`, remedy: "Rotate it." });
  if (!opened.ok) return opened;
  const keys = parseStored(opened.value);
  return isList(keys, isKey)
    ? succeed(keys)
    : fail("not_configured", `The ${row.kind}'s secret can't be opened: it is damaged. Rotate it.`);
}

function isKey(value: unknown): value is SigningKey {
  return isRecord(value) && isText(value.secret) && isTextOrNull(value.until);
}

/** The keys that are valid now, the newest first. */
export async function openLiveSecrets(
  encryption_keys: string[],
  row: Secret | null,
  now: number,
): Promise<Result<string[]>> {
  if (row === null) return fail("not_configured", "The trigger has no secret. Make a new one.");
  const opened = await openKeys(encryption_keys, row);
  if (!opened.ok) return opened;
  const live = opened.value.filter(({ until }) => until === null || Date.parse(until) > now);
  return succeed(live.map(({ secret }) => secret));
}
