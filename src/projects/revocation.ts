// Ends at the sandbox provider what was revoked here: links that it signed, and SSH access. The store has marked them
// (`store/keys/revocation.ts`), so that this may be interrupted and repeated. A link under our own domain has ended with
// its mark.
import type { Workspace } from "../agent/workspace.ts";
import type { Config } from "../config.ts";
import { describeMissing, findProvider } from "../sandboxes/index.ts";
import { dropPendingPreview, dropPendingSsh, isPendingSsh, readPendingEnds } from "../store/keys/pending.ts";
import type { StoredPreview } from "../store/projects/previews.ts";
import type { StoredSshAccess } from "../store/projects/ssh-accesses.ts";
import { isOwn } from "./previews/previews.ts";
import { sandboxName } from "./sandbox.ts";

/** Read at a time, so that one account's links fit in memory. */
const READ_AT_ONCE = 200;
/** Requests to the provider at a time, which limits them per minute. */
const ENDED_AT_ONCE = 5;

export interface RevocationScope {
  config: Config;
  database: D1Database;
  user_id: string;
}

/** Rejects if some could not be ended; the others are. */
export async function endRevokedAccess(scope: RevocationScope, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { previews, ssh_accesses } = await readPendingEnds(scope.database, scope.user_id, READ_AT_ONCE);
    const ends = [
      ...ssh_accesses.map((access) => () => endSsh(scope, access, signal)),
      ...previews.map((preview) => () => endLink(scope, preview, signal)),
    ];
    if (ends.length === 0) return;
    for (let index = 0; index < ends.length; index += ENDED_AT_ONCE) {
      signal.throwIfAborted();
      const ended = await Promise.allSettled(ends.slice(index, index + ENDED_AT_ONCE).map((end) => end()));
      const failed = ended.find(({ status }) => status === "rejected");
      if (failed?.status === "rejected") throw failed.reason;
    }
  }
}

/** For what the provider did not end in all the time that it can last: it has expired there. */
export async function dropRevokedAccess({ database, user_id }: RevocationScope): Promise<void> {
  const { previews, ssh_accesses } = await readPendingEnds(database, user_id, READ_AT_ONCE);
  for (const preview of previews) await dropPendingPreview(database, preview);
  for (const access of ssh_accesses) await dropPendingSsh(database, access);
}

async function endLink(scope: RevocationScope, preview: StoredPreview, signal: AbortSignal): Promise<void> {
  if (!isOwn(scope, preview)) {
    const workspace = await openWorkspace(scope, preview.project_id);
    await workspace.expireLink(preview.port, preview.token, signal);
  }
  await dropPendingPreview(scope.database, preview);
}

async function endSsh(scope: RevocationScope, access: StoredSshAccess, signal: AbortSignal): Promise<void> {
  const workspace = await openWorkspace(scope, access.project_id);
  // The provider ends whatever is open. Another key's access has replaced the revoked one by itself.
  if (!(await isPendingSsh(scope.database, access))) return;
  await workspace.closeSsh?.(signal);
  await dropPendingSsh(scope.database, access);
}

/** Nothing is created or started for this. */
async function openWorkspace({ config, user_id }: RevocationScope, project_id: string): Promise<Workspace> {
  const provider = findProvider(config);
  if (provider === null) throw new Error(describeMissing());
  return provider.openWorkspace({ name: await sandboxName(user_id, project_id), labels: {}, recipe: {} });
}
