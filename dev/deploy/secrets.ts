// The file of secrets: settings of the Worker as JSON, since wrangler expands `$` in files of `NAME=value`. What setup
// made itself is remembered by a hash: such a key never replaces one that a Worker has, with which things are encrypted.
import { createHash } from "node:crypto";
import { Failure } from "./failure.ts";
import { type Place, readOptional, writeOwn } from "./place.ts";

export type Settings = Record<string, string>;

export interface Secrets {
  settings: Settings;
  /** Hashes of the keys that setup made, by name. */
  made: Record<string, string>;
}

/** What each deployment needs. */
export const ownKeys = ["ADMIN_API_KEY", "ENCRYPTION_KEY"] as const;

/** Cloudflare's limit for one secret. */
const MAX_BYTES = 5 * 1024;

/** Null without the file. */
export async function readSecrets(place: Pick<Place, "secrets" | "made">): Promise<Secrets | null> {
  const [text, made] = await Promise.all([readOptional(place.secrets), readOptional(place.made)]);
  if (text === null) return null;
  const settings = parseObject(text, place.secrets);
  const wrong = Object.entries(settings).find(([, value]) => typeof value !== "string");
  if (wrong !== undefined) {
    throw new Failure(`${wrong[0]} in ${place.secrets} is not a text`, "Put it into quotes, JSON too.");
  }
  const hashes = made === null ? {} : parseObject(made, place.made);
  return { settings: settings as Settings, made: hashes as Secrets["made"] };
}

/** The hashes first: a key whose hash is missing would count as one that somebody wants instead of another. */
export async function writeSecrets(place: Pick<Place, "secrets" | "made">, secrets: Secrets): Promise<void> {
  await writeOwn(place.made, `${JSON.stringify(secrets.made, null, 2)}\n`);
  await writeOwn(place.secrets, `${JSON.stringify(secrets.settings, null, 2)}\n`);
}

export function checkSizes(settings: Settings): void {
  const large = Object.entries(settings).find(([, value]) => Buffer.byteLength(value) > MAX_BYTES);
  if (large === undefined) return;
  throw new Failure(
    `${large[0]} has more than ${MAX_BYTES} bytes, the most that Cloudflare keeps in one secret`,
    "Make it shorter.",
  );
}

export function hashKey(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

/** What goes to a Worker that has the secrets `remote`; null if there is no Worker yet. */
export function chooseSecrets({ settings, made }: Secrets, remote: string[] | null): Settings {
  const isKept = (name: string, value: string): boolean =>
    made[name] === hashKey(value) && (remote ?? []).includes(name);
  return Object.fromEntries(Object.entries(settings).filter(([name, value]) => value !== "" && !isKept(name, value)));
}

function parseObject(text: string, path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below; the error would quote the text.
  }
  throw new Failure(`${path} is no JSON object`, "Mend it, or delete it and run setup again.");
}
