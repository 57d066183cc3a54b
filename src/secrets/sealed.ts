// Encrypts secrets for the store and decrypts them again; each is bound to its row. The caller names the owner and the
// secret. Only the caller's file knows its content.
import { createSeal } from "../lib/seal.ts";
import { fail, type Result, succeed } from "../protocol/error.ts";
import { newId } from "../protocol/ids.ts";
import type { Secret, SecretName } from "../store/secrets.ts";

export interface SecretPorts {
  database: D1Database;
  /** The first key encrypts, every key decrypts; empty if the server has no ENCRYPTION_KEY. */
  encryption_keys: string[];
}

export const noEncryptionKey = fail(
  "not_configured",
  "Secrets can't be kept: the server's setting ENCRYPTION_KEY is missing.",
);

/** What a secret's ciphertext belongs to. */
export function bindingOf({ user_id, secret_id }: Pick<Secret, "user_id" | "secret_id">): string[] {
  return [user_id, secret_id];
}

/** The row to store. */
export async function sealSecret(
  encryption_keys: string[],
  name: SecretName,
  text: string,
  at: string,
): Promise<Result<Secret>> {
  if (encryption_keys.length === 0) return noEncryptionKey;
  const secret_id = newId("sec");
  const sealed = await createSeal(encryption_keys).seal(text, bindingOf({ user_id: name.user_id, secret_id }));
  return succeed({ ...name, secret_id, created_at: at, updated_at: at, ...sealed });
}

/** The content of the row. A failure says what the secret is for, why it can't be decrypted, and how to fix it. */
export async function openSecret(
  encryption_keys: string[],
  row: Secret,
  { what, remedy }: { what: string; remedy: string },
): Promise<Result<string>> {
  if (encryption_keys.length === 0) return noEncryptionKey;
  const opened = await createSeal(encryption_keys).open(row, bindingOf(row));
  if (opened.ok) return succeed(opened.text);
  const why =
    opened.reason === "key_missing"
      ? "the key that encrypted it is not in the server's ENCRYPTION_KEY any more"
      : "it is damaged";
  return fail("not_configured", `${what} can't be opened: ${why}. ${remedy}`);
}
