// Counts a project's sandbox among those of its user, in D1.
import { SandboxError } from "../agent/sandbox.ts";
import { describeError, logWarning } from "../lib/log.ts";
import { createTimedCache } from "../lib/timed-cache.ts";
import { exceeded } from "../protocol/money/quotas.ts";
import type { SandboxCount, SandboxSize } from "../sandboxes/index.ts";
import { usualOf } from "../store/quotas/held.ts";
import { giveBackSandbox, noteSandbox, type SandboxRow, takeSandbox } from "../store/quotas/sandboxes.ts";
import type { ProjectScope } from "./scope.ts";

/** Each request opens the sandbox anew, and its size changes rarely. */
const NOTED_MS = 3_600_000;
const MAX_NOTED = 2_000;

/** The size that D1 has, by user and project. */
const noted = createTimedCache<string>({ now: Date.now, keep_ms: NOTED_MS, max_entries: MAX_NOTED });

export function countSandbox(
  scope: Pick<ProjectScope, "config" | "database" | "user_id" | "project_id">,
): SandboxCount {
  const { config, database, user_id, project_id } = scope;
  const rowOf = ({ cpu, memory, disk }: SandboxSize): SandboxRow => ({
    ...{ user_id, project_id, created_at: new Date().toISOString() },
    ...{ cpu: cpu ?? null, memory: memory ?? null, disk: disk ?? null },
  });
  const name = `${user_id}/${project_id}`;
  return {
    async take(size) {
      const full = await takeSandbox(database, rowOf(size), usualOf(config));
      // A new sandbox may have another size.
      noted.forget(name);
      if (full === null) return;
      throw new SandboxError("quota_exceeded", exceeded(full.name, full.held.limit).detail);
    },
    async giveBack() {
      noted.forget(name);
      await giveBackSandbox(database, user_id, project_id);
    },
    async note(size) {
      try {
        const text = JSON.stringify([size.cpu, size.memory, size.disk]);
        const store = async () => {
          await noteSandbox(database, rowOf(size));
          return text;
        };
        if ((await noted.read(name, store)) === text) return;
        noted.forget(name);
        await noted.read(name, store);
      } catch (error) {
        logWarning("sandbox_not_counted", { user_id, project_id, error: describeError(error) });
      }
    },
  };
}
