// The secrets of a project's sandbox: encrypted in D1, and for their hosts in the provider's vault where it has one. A
// value leaves this file only to that vault and to the sandbox's adapter.
//
// The row is written before the vault is asked to keep a value, and stays until the vault has deleted it. So whatever
// dies in between, what the vault has is found again by its name, which is derived from the project and the variable.
import { SandboxError } from "../agent/sandbox.ts";
import type { Config } from "../config.ts";
import { hashText, toHex } from "../lib/hash.ts";
import { describeError, logWarning } from "../lib/log.ts";
import type { Result } from "../protocol/error.ts";
import { succeed } from "../protocol/error.ts";
import { countBytes, type Delivery, type SandboxSecretInfo } from "../protocol/sandbox/secret.ts";
import { findProvider, type GivenSecret, type SandboxSecrets, type SecretVault } from "../sandboxes/index.ts";
import { openSecret, type SecretPorts, sealSecret } from "../secrets/sealed.ts";
import {
  deleteProjectSecrets,
  deleteSandboxSecret,
  forgetProjectSecrets,
  listSandboxSecrets,
  noteKept,
  noteRemoved,
  type ProjectName,
  putSandboxSecret,
  readSealed,
  type SandboxSecretRow,
  sealedName,
} from "../store/projects/sandbox-secrets.ts";
import type { Secret } from "../store/secrets.ts";

/** As many requests as people may send at once for one secret. */
const MAX_PUTS = 3;

/** How old what a command gets may be. A command needs several requests to the provider anyway. */
const FRESH_MS = 5_000;

export interface SecretScope extends ProjectName {
  config: Config;
  database: D1Database;
}

const portsOf = ({ config, database }: SecretScope): SecretPorts => ({
  database,
  encryption_keys: config.encryption_keys,
});

const vaultOf = ({ config }: Pick<SecretScope, "config">): SecretVault | null =>
  findProvider(config)?.openVault?.() ?? null;

/** No other project and no other user has names in the vault that begin like this. */
async function keptPrefix({ user_id, project_id, project_created_at }: ProjectName): Promise<string> {
  const hash = toHex(await hashText(JSON.stringify([user_id, project_id, project_created_at])));
  return `taskloom_${hash.slice(0, 32)}_`;
}

const keptName = async (row: ProjectName & { name: string }): Promise<string> => (await keptPrefix(row)) + row.name;

export function showSecret({ name, hosts, delivered, created_at, updated_at }: SandboxSecretRow): SandboxSecretInfo {
  return { name, hosts, delivered, created_at, updated_at };
}

/** How a new secret is delivered. Only one with hosts can be kept from programs, and only where there is a vault. */
export async function chooseDelivery(
  scope: Pick<SecretScope, "config">,
  hosts: string[],
  signal: AbortSignal,
): Promise<Delivery> {
  if (hosts.length === 0) return "env";
  return (await vaultOf(scope)?.isThere(signal)) === true ? "secret" : "env";
}

export interface AskedSecret {
  name: string;
  value: string;
  hosts: string[];
  delivered: Delivery;
}

/** Null if the project is gone or there is no room. Rejects with `SandboxError` if it is stored and not in the vault. */
export async function storeSandboxSecret(
  scope: SecretScope,
  { value, ...asked }: AskedSecret,
  signal: AbortSignal,
  usual?: number,
): Promise<Result<SandboxSecretRow | null>> {
  const { config, database, user_id, project_id, project_created_at } = scope;
  const project = { user_id, project_id, project_created_at };
  const name = { user_id, kind: "sandbox" as const, name: sealedName({ project_id, name: asked.name }) };
  const sealed = await sealSecret(config.encryption_keys, name, value, new Date().toISOString());
  if (!sealed.ok) return sealed;
  const wanted = { ...project, ...asked, bytes: countBytes(value) };
  const row = await putSandboxSecret(database, wanted, sealed.value, usual);
  if (row?.delivered === "secret") await keep(scope, row, value, signal).catch(explainStored);
  else if (row?.is_kept) await removeKept(scope, row, signal);
  return succeed(row);
}

/** The row stays: what is missing in the vault is put there when the sandbox is next used. */
function explainStored(error: unknown): never {
  if (!(error instanceof SandboxError)) throw error;
  throw new SandboxError(error.code, `${error.message} The secret is stored here. Store it again to try again.`);
}

async function keep(scope: SecretScope, row: SandboxSecretRow, value: string, signal: AbortSignal): Promise<void> {
  const vault = vaultOf(scope);
  if (vault === null) throw new SandboxError("unavailable", "No server of sandboxes is set up that keeps secrets.");
  const kept_as = await keptName(row);
  let [current, text]: [SandboxSecretRow | undefined, string | null | undefined] = [row, value];
  for (let attempt = 1; attempt <= MAX_PUTS && current !== undefined && typeof text === "string"; attempt++) {
    await vault.put({ name: kept_as, value: text, hosts: current.hosts }, signal);
    if (await noteKept(scope.database, current)) return;
    // Another request stored a newer version meanwhile, and may have come to the vault before this one.
    current = (await listSandboxSecrets(scope.database, scope)).find(({ name }) => name === row.name);
    if (current?.delivered !== "secret") break;
    text = (await openValues(scope, [current])).get(current.secret_id);
  }
  // It was deleted, or its project, or its hosts, while the vault took it.
  if (current?.delivered !== "secret") await vault.remove(kept_as, signal);
}

/** False if there is none of that name. What the vault does not delete now, the clock tries again. */
export async function dropSandboxSecret(scope: SecretScope, name: string, signal: AbortSignal): Promise<boolean> {
  const row = await deleteSandboxSecret(scope.database, scope, name, new Date().toISOString());
  if (row?.is_kept) await removeKept(scope, row, signal);
  return row !== null;
}

/** Deletes it from the vault, but not its row: another request may be about to put it there. Never rejects. */
async function removeKept(scope: SecretScope, row: SandboxSecretRow, signal: AbortSignal): Promise<void> {
  try {
    await vaultOf(scope)?.remove(await keptName(row), signal);
  } catch (error) {
    const { user_id, project_id, name } = row;
    logWarning("sandbox_secret_left", { user_id, project_id, name, error: describeError(error) });
  }
}

/** The same for the clock, which comes long after any request has ended. Rejects if it is still there. */
export async function clearKept(scope: Pick<SecretScope, "config" | "database">, row: SandboxSecretRow): Promise<void> {
  await vaultOf(scope)?.remove(await keptName(row), AbortSignal.timeout(CLEAR_MS));
  await noteRemoved(scope.database, row);
}

const CLEAR_MS = 5_000;

/**
 * Deletes all secrets of a project that is being deleted. `is_late`: no request can be at work on them any more, so
 * nothing is remembered of them. Rejects with `SandboxError` if the vault still has some.
 */
export async function dropProjectSecrets(
  scope: SecretScope,
  signal: AbortSignal,
  { is_late = false } = {},
): Promise<void> {
  const mayBeKept = await deleteProjectSecrets(scope.database, scope, new Date().toISOString());
  if (!mayBeKept) return;
  const vault = vaultOf(scope);
  for (const name of (await vault?.list(await keptPrefix(scope), signal)) ?? []) await vault?.remove(name, signal);
  if (is_late) await forgetProjectSecrets(scope.database, scope);
}

/** What the project's sandbox gets. One belongs to one opened sandbox. */
export function giveSecrets(scope: SecretScope): SandboxSecrets {
  let known: { given: GivenSecret[]; at: number } | null = null;
  let values: Values = new Map();
  const readNow = async (signal: AbortSignal, is_new: boolean): Promise<GivenSecret[]> => {
    const rows = await listSandboxSecrets(scope.database, scope);
    await openValues(scope, rows, values);
    values = new Map(rows.map(({ secret_id }) => [secret_id, values.get(secret_id) ?? null]));
    const given: GivenSecret[] = [];
    const there = is_new ? await listKept(scope, rows, signal) : null;
    for (const row of rows) {
      const value = values.get(row.secret_id);
      if (value === undefined || value === null) continue;
      const kept_as = row.delivered === "secret" ? await keptName(row) : null;
      const isKept = row.kept_id === row.secret_id && there?.has(kept_as ?? "") !== false;
      if (kept_as !== null && !isKept) await keep(scope, row, value, signal);
      given.push({ name: row.name, value, hosts: row.hosts, kept_as });
    }
    return given;
  };
  return {
    async read(signal, { is_new = false } = {}) {
      if (known !== null && !is_new && Date.now() - known.at < FRESH_MS) return known.given;
      try {
        const at = Date.now();
        known = { given: await readNow(signal, is_new), at };
        return known.given;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof SandboxError) throw error;
        const { user_id, project_id } = scope;
        logWarning("sandbox_secrets_unread", { user_id, project_id, error: describeError(error) });
        if (known !== null) return known.given;
        throw new SandboxError("failed", "The project's secrets can't be read just now. Try again.");
      }
    },
  };
}

async function listKept(scope: SecretScope, rows: SandboxSecretRow[], signal: AbortSignal): Promise<Set<string>> {
  if (!rows.some(({ delivered }) => delivered === "secret")) return new Set();
  return new Set(await vaultOf(scope)?.list(await keptPrefix(scope), signal));
}

/** By version; null for one that can't be opened. */
type Values = Map<string, string | null>;

/** Adds the values of versions that are not known. */
async function openValues(scope: SecretScope, rows: SandboxSecretRow[], values: Values = new Map()): Promise<Values> {
  const missing = rows.filter((row) => !values.has(row.secret_id));
  for (const sealed of await readSealed(scope.database, scope.user_id, missing)) await open(scope, sealed, values);
  return values;
}

/** One that can't be opened is left out: `GET /v1/server` says so to an operator. */
async function open(scope: SecretScope, sealed: Secret, values: Values): Promise<void> {
  const texts = { what: "A sandbox's secret", remedy: "Store it again." };
  const opened = await openSecret(portsOf(scope).encryption_keys, sealed, texts);
  values.set(sealed.secret_id, opened.ok ? opened.value : null);
  if (!opened.ok)
    logWarning("sandbox_secret_unread", { user_id: sealed.user_id, name: sealed.name, error: opened.error.detail });
}
