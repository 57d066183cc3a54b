// Ends at the sandbox provider what was revoked here: links that it signed, and SSH access. The store has marked them
// (`store/keys/revocation.ts`), so that this may be interrupted and repeated. A link under our own domain has ended
// with its mark.
import type { Workspace } from "../agent/workspace.ts";
import type { Config } from "../config.ts";
import { describeMissing, type SandboxProvider } from "../sandboxes/index.ts";
import { dropPendingPreview, dropPendingSsh, isPendingSsh, readPendingEnds } from "../store/keys/pending.ts";
import type { StoredPreview } from "../store/projects/previews.ts";
import type { StoredSshAccess } from "../store/projects/ssh-accesses.ts";
import { isOwn } from "./previews/previews.ts";
import { describeExisting } from "./sandbox.ts";

/** Read at a time, so that one account's links fit in memory. */
const READ_AT_ONCE = 200;
/** Requests to the provider at a time, which limits them per minute. */
const ENDED_AT_ONCE = 5;

/** Links that a provider signs and SSH accesses last a day at most. After that there is nothing left to end. */
const MAX_LIFETIME_MS = 25 * 3_600_000;

export interface RevocationScope {
  config: Pick<Config, "preview_domain">;
  /** Null if the server has none: then a signed link and an SSH access wait for one. */
  provider: SandboxProvider | null;
  database: D1Database;
  user_id: string;
}

/**
 * Rejects if some could not be ended, after all were tried: one broken sandbox must not keep the others' links open.
 */
export async function endRevokedAccess(scope: RevocationScope, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { previews, ssh_accesses } = await readPendingEnds(scope.database, scope.user_id, READ_AT_ONCE);
    const ends = [
      ...ssh_accesses.map((access) => () => endSsh(scope, access, signal)),
      ...previews.map((preview) => () => endLink(scope, preview, signal)),
    ];
    if (ends.length === 0) return;
    const failures: unknown[] = [];
    const waiting = ends.values();
    const work = async (): Promise<void> => {
      for (const end of waiting) {
        signal.throwIfAborted();
        await end().catch((error: unknown) => failures.push(error));
      }
    };
    await Promise.all(Array.from({ length: ENDED_AT_ONCE }, work));
    if (failures.length > 0) throw failures[0];
  }
}

async function endLink(scope: RevocationScope, preview: StoredPreview, signal: AbortSignal): Promise<void> {
  if (!isOwn(scope, preview) && !hasExpired(preview)) {
    const workspace = await openWorkspace(scope, preview.project_id);
    await workspace.expireLink(preview.port, preview.token, signal);
  }
  await dropPendingPreview(scope.database, preview);
}

async function endSsh(scope: RevocationScope, access: StoredSshAccess, signal: AbortSignal): Promise<void> {
  if (!hasExpired(access)) {
    const workspace = await openWorkspace(scope, access.project_id);
    // The provider ends whatever is open. Another key's access has replaced the revoked one by itself.
    if (!(await isPendingSsh(scope.database, access))) return;
    await workspace.closeSsh?.(signal);
  }
  await dropPendingSsh(scope.database, access);
}

/** The time at which it would have expired is not known any more: the mark is there. */
function hasExpired({ created_at }: { created_at: string }): boolean {
  return Date.parse(created_at) < Date.now() - MAX_LIFETIME_MS;
}

/** Nothing is created or started for this. */
async function openWorkspace({ provider, database, user_id }: RevocationScope, project_id: string): Promise<Workspace> {
  if (provider === null) throw new Error(describeMissing());
  return provider.openWorkspace(await describeExisting({ database, user_id, project_id }));
}
