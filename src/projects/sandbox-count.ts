// Counts a project's sandbox among those of its user, and what it uses of the user's hours and builds, in D1.
import { SandboxError } from "../agent/sandbox.ts";
import { describeError, logWarning } from "../lib/log.ts";
import { createTimedCache } from "../lib/timed-cache.ts";
import type { Failure } from "../protocol/error.ts";
import { type DailyName, exceeded } from "../protocol/money/quotas.ts";
import type { SandboxCount, SandboxSize } from "../sandboxes/index.ts";
import { usualOf } from "../store/quotas/held.ts";
import { giveBackSandbox, noteSandbox, type SandboxRow, takeSandbox } from "../store/quotas/sandboxes.ts";
import { findUsedUp, takeUse } from "../store/quotas/uses.ts";
import type { ProjectScope } from "./scope.ts";

/** Each request opens the sandbox anew. One that somebody started elsewhere begins to count within this time. */
const NOTED_MS = 10 * 60_000;
const MAX_NOTED = 2_000;

/** The size and the id that D1 has, by user and project. */
const noted = createTimedCache<string>({ now: Date.now, keep_ms: NOTED_MS, max_entries: MAX_NOTED });

export function countSandbox(
  scope: Pick<ProjectScope, "config" | "database" | "user_id" | "project_id">,
): SandboxCount {
  const { config, database, user_id, project_id } = scope;
  const rowOf = ({ cpu, memory, disk, id }: SandboxSize & { id?: string }): SandboxRow => ({
    ...{ user_id, project_id, created_at: new Date().toISOString(), sandbox_id: id ?? null },
    ...{ cpu: cpu ?? null, memory: memory ?? null, disk: disk ?? null },
  });
  const name = `${user_id}/${project_id}`;
  return {
    async take(size) {
      const full = await takeSandbox(database, rowOf(size), usualOf(config));
      // A new sandbox may have another size.
      noted.forget(name);
      if (full !== null) throw refuse(exceeded(full.name, full.held.limit));
    },
    async giveBack() {
      noted.forget(name);
      await giveBackSandbox(database, user_id, project_id);
    },
    async start(builds) {
      noted.forget(name);
      const names: DailyName[] = ["sandbox_hours_per_day", ...(builds ? ["image_builds_per_day" as const] : [])];
      const usedUp = await findUsedUp(database, user_id, names, Date.now(), usualOf(config)).catch((error: unknown) => {
        // What nobody can tell stops no sandbox that there is.
        logWarning("sandbox_hours_unknown", { user_id, project_id, error: describeError(error) });
        return null;
      });
      if (usedUp !== null) throw refuse(usedUp);
    },
    async build() {
      const usedUp = await takeUse(database, user_id, "image_builds_per_day", Date.now(), usualOf(config));
      if (usedUp !== null) throw refuse(usedUp);
    },
    async note(sandbox) {
      try {
        const text = JSON.stringify([sandbox.cpu, sandbox.memory, sandbox.disk, sandbox.id]);
        const store = async () => {
          await noteSandbox(database, rowOf(sandbox));
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

function refuse({ detail, retry_after_s }: Failure): SandboxError {
  return new SandboxError("quota_exceeded", detail, retry_after_s);
}
