// Keeps the provider's id of a project's sandbox in D1, beside what counts it. A request to the provider that can't be
// answered from it continues with the sandbox's name.
import { describeError, logWarning } from "../lib/log.ts";
import type { SandboxIds } from "../sandboxes/index.ts";
import { keepSandboxId, readSandboxId } from "../store/quotas/sandboxes.ts";

export interface SandboxIdScope {
  database: D1Database;
  user_id: string;
  project_id: string;
}

export function keepSandboxIds({ database, user_id, project_id }: SandboxIdScope): SandboxIds {
  const own = { user_id, project_id };
  const warn = (error: unknown) => logWarning("sandbox_id_unknown", { ...own, error: describeError(error) });
  return {
    async read() {
      try {
        return await readSandboxId(database, own);
      } catch (error) {
        warn(error);
        return null;
      }
    },
    async keep(id) {
      await keepSandboxId(database, own, id).catch(warn);
    },
  };
}
