// Git credentials: encrypted on their way into the store, and opened for the one request that needs one. A password leaves
// this file only as the answer of `findGitLogin`, which goes to the host that it was stored for.
import { createSeal, type Seal } from "../lib/seal.ts";
import { fail, type Result, succeed } from "../protocol/error.ts";
import { type GitCredentialInfo, type GitLogin, gitLogin } from "../protocol/git-credential.ts";
import { newId } from "../protocol/ids.ts";
import type { Page, PageRequest } from "../protocol/page.ts";
import { deleteSecret, listSecrets, putSecret, readSecret, type Secret } from "../store/secrets.ts";

export interface GitCredentialPorts {
  database: D1Database;
  /** The first seals, each opens; none where the server has no ENCRYPTION_KEY. */
  encryption_keys: string[];
}

/** `host` is normalised. What was stored for it before is replaced. */
export async function storeGitCredential(
  ports: GitCredentialPorts,
  user_id: string,
  credential: GitLogin & { host: string },
  now: string,
): Promise<Result<GitCredentialInfo>> {
  const seal = openSeal(ports);
  if (!seal.ok) return seal;
  const { host, username, password } = credential;
  const secret_id = newId("sec");
  const sealed = await seal.value.seal(JSON.stringify({ username, password }), [user_id, secret_id]);
  const times = { created_at: now, updated_at: now };
  const stored = await putSecret(ports.database, { user_id, kind: "git", name: host, secret_id, ...times, ...sealed });
  return succeed({ host, username, created_at: stored.created_at, updated_at: stored.updated_at });
}

export async function listGitCredentials(
  ports: GitCredentialPorts,
  user_id: string,
  request: PageRequest,
): Promise<Result<Page<GitCredentialInfo>>> {
  const seal = openSeal(ports);
  if (!seal.ok) return seal;
  const page = await listSecrets(ports.database, user_id, "git", request);
  if (!page.ok) return page;
  const data = await Promise.all(
    page.value.data.map(async (row) => {
      const login = await openLogin(seal.value, row);
      const { created_at, updated_at } = row;
      return { host: row.name, username: login.ok ? login.value.username : null, created_at, updated_at };
    }),
  );
  return succeed({ ...page.value, data });
}

/** False where there is none for the host. */
export async function deleteGitCredential(
  ports: GitCredentialPorts,
  user_id: string,
  host: string,
): Promise<Result<boolean>> {
  const seal = openSeal(ports);
  if (!seal.ok) return seal;
  return succeed(await deleteSecret(ports.database, { user_id, kind: "git", name: host }));
}

/** What to say to this host; null where nothing is stored for it. A failure says what to do about one that can't be opened. */
export async function findGitLogin(
  ports: GitCredentialPorts,
  user_id: string,
  host: string,
): Promise<Result<GitLogin | null>> {
  // Nothing can be stored without a key; a server that has lost its keys says so.
  const row = await readSecret(ports.database, { user_id, kind: "git", name: host });
  if (row === null) return succeed(null);
  const seal = openSeal(ports);
  return seal.ok ? openLogin(seal.value, row) : seal;
}

function openSeal({ encryption_keys }: GitCredentialPorts): Result<Seal> {
  if (encryption_keys.length > 0) return succeed(createSeal(encryption_keys));
  return fail("not_configured", "Credentials can't be kept: the server's setting ENCRYPTION_KEY is missing.");
}

async function openLogin(seal: Seal, row: Secret): Promise<Result<GitLogin>> {
  const opened = await seal.open(row, [row.user_id, row.secret_id]);
  const why =
    !opened.ok && opened.reason === "key_missing"
      ? "the key that encrypted it is not in the server's ENCRYPTION_KEY any more"
      : "it is damaged";
  const login = opened.ok ? gitLogin.safeParse(readJson(opened.text)) : null;
  if (login?.success) return succeed(login.data);
  return fail("not_configured", `The credential stored for ${row.name} can't be opened: ${why}. Store it again.`);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
