// The file of secrets: settings of the Worker as JSON, since wrangler expands `$` in files of `NAME=value`. What setup
// made itself is remembered by a hash: such a key never replaces one that a Worker has, with which things are
// encrypted.
import { createHash } from "node:crypto";
import { lstat } from "node:fs/promises";
import { settingNames } from "../start/setting-names.ts";
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
  const text = `${JSON.stringify(secrets.settings, null, 2)}\n`;
  const isChanged = (await readOptional(place.secrets)) !== text;
  if (isChanged && (await isLink(place.secrets))) {
    throw new Failure(
      `${place.secrets} is a link, and a file would be put in its place`,
      "Change the settings in the file that it leads to, or put that file here. Nothing was changed.",
    );
  }
  await writeOwn(place.made, `${JSON.stringify(secrets.made, null, 2)}\n`);
  if (isChanged) await writeOwn(place.secrets, text);
}

async function isLink(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null))?.isSymbolicLink() === true;
}

/** Names in the file that the server does not read: slips of the pen, or of another version. */
export function findUnknown({ settings }: Secrets): string[] {
  return Object.keys(settings).filter((name) => !settingNames.includes(name));
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

/** The environment's, as CI has it, over the file's. */
export function findAdminKey(secrets: Secrets | null): string | null {
  return process.env.ADMIN_API_KEY?.trim() || secrets?.settings.ADMIN_API_KEY?.trim() || null;
}

/** What goes to a Worker that has the secrets `remote`; null if there is no Worker yet. */
export function chooseSecrets({ settings, made }: Secrets, remote: string[] | null): Settings {
  const isKept = (name: string, value: string): boolean =>
    made[name] === hashKey(value) && (remote ?? []).includes(name);
  return Object.fromEntries(Object.entries(settings).filter(([name, value]) => value !== "" && !isKept(name, value)));
}

function parseObject(text: string, path: string): Record<string, unknown> {
  try {
    // Some editors begin a file with this mark.
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ""));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below; the error would quote the text.
  }
  throw new Failure(`${path} is no JSON object`, "Fix it, or delete it and run setup again.");
}

/** Puts a word in place of each secret, also where JSON shows it. */
export function hideSecrets(secrets: Secrets | null): (text: string) => string {
  const { CLOUDFLARE_API_TOKEN, CLOUDFLARE_API_KEY, ADMIN_API_KEY } = process.env;
  const values = [...Object.values(secrets?.settings ?? {}), CLOUDFLARE_API_TOKEN, CLOUDFLARE_API_KEY, ADMIN_API_KEY];
  const hidden = values.filter((value) => value !== undefined && value.length >= MIN_HIDDEN) as string[];
  const forms = hidden.flatMap((value) => [value, JSON.stringify(value).slice(1, -1)]);
  return (text) => forms.reduce((left, form) => left.replaceAll(form, "[secret]"), text);
}

/** A shorter value, such as a number, is in many a text that has nothing to do with it. */
const MIN_HIDDEN = 8;
