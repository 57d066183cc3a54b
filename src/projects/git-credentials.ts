// Git credentials: encrypts them before they are stored, and decrypts one for the request that needs it. A password
// leaves this file only as the result of `findGitLogin`, which is sent to the host that it was stored for.
import { fail, type Result, succeed } from "../protocol/error.ts";
import { type GitCredentialInfo, type GitLogin, gitLogin } from "../protocol/git-credential.ts";
import type { Page, PageRequest } from "../protocol/page.ts";
import { noEncryptionKey, openSecret, type SecretPorts, sealSecret } from "../secrets/sealed.ts";
import { deleteSecret, listSecrets, putGitSecret, readSecret, type Secret } from "../store/secrets.ts";

/** Replaces an existing credential for the host. `host` is normalized. Null if the user has too many hosts. */
export async function storeGitCredential(
  ports: SecretPorts,
  user_id: string,
  credential: GitLogin & { host: string },
  now: string,
  usual?: number,
): Promise<Result<GitCredentialInfo | null>> {
  const { host, username, password } = credential;
  const login = JSON.stringify({ username, password });
  const sealed = await sealSecret(ports.encryption_keys, { user_id, kind: "git", name: host }, login, now);
  if (!sealed.ok) return sealed;
  const stored = await putGitSecret(ports.database, sealed.value, usual);
  return succeed(stored && { host, username, created_at: stored.created_at, updated_at: stored.updated_at });
}

export async function listGitCredentials(
  ports: SecretPorts,
  user_id: string,
  request: PageRequest,
): Promise<Result<Page<GitCredentialInfo>>> {
  if (ports.encryption_keys.length === 0) return noEncryptionKey;
  const page = await listSecrets(ports.database, user_id, "git", request);
  if (!page.ok) return page;
  const data = await Promise.all(
    page.value.data.map(async (row) => {
      const login = await openLogin(ports.encryption_keys, row);
      const { created_at, updated_at } = row;
      return { host: row.name, username: login.ok ? login.value.username : null, created_at, updated_at };
    }),
  );
  return succeed({ ...page.value, data });
}

/** False if there is none for the host. */
export async function deleteGitCredential(ports: SecretPorts, user_id: string, host: string): Promise<Result<boolean>> {
  if (ports.encryption_keys.length === 0) return noEncryptionKey;
  return succeed(await deleteSecret(ports.database, { user_id, kind: "git", name: host }));
}

/** The login for a host; null if none is stored. A failure says what to do about one that can't be decrypted. */
export async function findGitLogin(
  ports: SecretPorts,
  user_id: string,
  host: string,
): Promise<Result<GitLogin | null>> {
  // Reads the row also without an encryption key, so that a server that has lost its keys reports that.
  const row = await readSecret(ports.database, { user_id, kind: "git", name: host });
  if (row === null) return succeed(null);
  return openLogin(ports.encryption_keys, row);
}

async function openLogin(encryption_keys: string[], row: Secret): Promise<Result<GitLogin>> {
  const texts = { what: `The credential stored for ${row.name}`, remedy: "Store it again." };
  const opened = await openSecret(encryption_keys, row, texts);
  if (!opened.ok) return opened;
  const login = gitLogin.safeParse(readJson(opened.value));
  return login.success
    ? succeed(login.data)
    : fail("not_configured", `${texts.what} can't be opened: it is damaged. ${texts.remedy}`);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
