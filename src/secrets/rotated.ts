// Secrets that sign what is delivered, by us or to us: of webhooks and of triggers. One is in use, and for a time after a
// rotation those before it hold too, so that a peer is changed without a delivery lost: also where the answer of a rotation was
// lost and it is rotated again.
import { fail, type Result, succeed } from "../protocol/error.ts";
import { readSecret, replaceSecret, type Secret, type SecretName } from "../store/secrets.ts";
import { openSecret, type SecretPorts, sealSecret } from "./sealed.ts";

/** What a delivery may be signed with. The first is the newest; others overlap with it until their time. */
export interface SigningKey {
  secret: string;
  /** Null for the one that is in use. */
  until: string | null;
}

/** One in use and those that it took the place of: signatures are a header, and headers are short. */
const MOST_KEYS = 4;

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

// Each loses to another that came between.
const ROTATIONS_TRIED = 5;

/** Those before it hold for `overlap_ms`, none longer than it was to; what can't be opened any more is forgotten. */
export async function rotateSecret(
  { database, encryption_keys }: SecretPorts,
  name: RotatedName,
  secret: string,
  overlap_ms: number,
  now: number,
): Promise<Result<null>> {
  for (let time = 0; time < ROTATIONS_TRIED; time++) {
    const former = await readSecret(database, name);
    if (former === null) return fail("not_found", `There is no ${name.kind} ${name.name}.`);
    const opened = await openKeys(encryption_keys, former);
    const keys = rotateKeys(opened.ok ? opened.value : [], secret, overlap_ms, now);
    const sealed = await sealSecret(encryption_keys, name, JSON.stringify(keys), new Date(now).toISOString());
    if (!sealed.ok) return sealed;
    if (await replaceSecret(database, sealed.value, former.secret_id)) return succeed(null);
  }
  return fail("version_conflict", "The secret is being rotated by others just now.");
}

/** The keys after a rotation. Without an overlap all former ones end at once, since one of them may be known to others. */
export function rotateKeys(former: SigningKey[], secret: string, overlap_ms: number, now: number): SigningKey[] {
  const until = new Date(now + overlap_ms).toISOString();
  const overlapping = former
    .map((key) => ({ ...key, until: key.until !== null && key.until < until ? key.until : until }))
    .filter((key) => Date.parse(key.until) > now && key.secret !== secret);
  return [{ secret, until: null }, ...overlapping].slice(0, MOST_KEYS);
}

/** The newest first, those too whose time is over. */
export async function openKeys(encryption_keys: string[], row: Secret): Promise<Result<SigningKey[]>> {
  const opened = await openSecret(encryption_keys, row, { what: `The ${row.kind}'s secret`, remedy: "Rotate it." });
  return opened.ok ? succeed(JSON.parse(opened.value) as SigningKey[]) : opened;
}

/** Those that hold now, the newest first. */
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
