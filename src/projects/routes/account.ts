// The projects of an account with their sandboxes, the ways into these, and what is stored for git.
import type { AccountPart, AccountScope } from "../../accounts/part.ts";
import { logError } from "../../lib/log.ts";
import type { Project } from "../../protocol/project.ts";
import { findProvider } from "../../sandboxes/index.ts";
import {
  dropExpired,
  hasProject,
  listEmptyProjects,
  listOpenLinks,
  markLinks,
  markSsh,
} from "../../store/people/account-projects.ts";
import { deleteAccountRows, deleteLeftSecrets } from "../../store/people/account-rows.ts";
import type { StoredPreview } from "../../store/projects/previews.ts";
import { deleteProject } from "../../store/projects/projects.ts";
import { forgetProjectSecrets, listSecretProjects } from "../../store/projects/sandbox-secrets.ts";
import { giveBackSandbox, listLostSandboxes, type SandboxRow } from "../../store/quotas/sandboxes.ts";
import { forgetLinks, isOwn } from "../previews/previews.ts";
import { endRevokedAccess } from "../revocation.ts";
import { destroySandbox, removeProjectSandbox } from "../sandbox.ts";
import { dropProjectSecrets } from "../sandbox-secrets.ts";

/** Requests to the provider at a time. */
const PROJECTS_AT_ONCE = 5;
/** Of a request, so that a piece ends in its time. */
const SANDBOX_MS = 10_000;
/** After that an operator has to act. */
const DELETED_WITHIN_MS = 7 * 24 * 3_600_000;

const LINKS_AT_ONCE = 200;

/** Links and SSH access. A link under our own domain opens for nobody while its user may not act, and may stay. */
export const accessPart: AccountPart = {
  name: "access",
  async pause(scope) {
    await markOpen(scope, { own: false });
    await endMarked(scope);
  },
  async remove(scope) {
    await dropExpired(scope.env.DB, scope.user_id, scope.now);
    await markOpen(scope, { own: true });
    await endMarked(scope);
    return "done";
  },
};

/** After the threads: a run that works would make its sandbox again. */
export const projectsPart: AccountPart = {
  name: "projects",
  async remove(scope) {
    const { env, user_id } = scope;
    const page = await listEmptyProjects(env.DB, user_id, PROJECTS_AT_ONCE);
    if (page.length === 0) {
      // What holds up the threads is tried again, and this with it.
      if (await hasProject(env.DB, user_id)) throw new Error("Threads are left in projects");
      return "done";
    }
    const settled = await Promise.allSettled(page.map((project) => removeWithSandbox(scope, project)));
    const [failed] = settled.filter((each) => each.status === "rejected");
    if (failed && settled.every(({ status }) => status === "rejected")) throw failed.reason;
    return "more";
  },
};

/**
 * After the projects, which take theirs along: those of projects that D1 does not have. A thread may have made one for
 * itself while D1 took none of its rows.
 */
export const sandboxesPart: AccountPart = {
  name: "sandboxes",
  async remove(scope) {
    const { env, user_id } = scope;
    const page = await listLostSandboxes(env.DB, user_id, PROJECTS_AT_ONCE);
    if (page.length === 0) return await deleteAccountRows(env.DB, user_id, ["sandboxes"]);
    const settled = await Promise.allSettled(page.map((row) => removeLost(scope, row)));
    const [failed] = settled.filter((each) => each.status === "rejected");
    if (failed && settled.every(({ status }) => status === "rejected")) throw failed.reason;
    return "more";
  },
};

/** After the projects and sandboxes, which made use of them. Nobody makes a request for the user any more. */
export const sandboxSecretsPart: AccountPart = {
  name: "sandbox_secrets",
  async remove(scope) {
    const { env, config, user_id } = scope;
    const page = await listSecretProjects(env.DB, user_id, PROJECTS_AT_ONCE);
    if (page.length === 0) return "done";
    for (const project of page) {
      const place = { config, database: env.DB, ...project };
      try {
        await dropProjectSecrets(place, AbortSignal.timeout(SANDBOX_MS), { is_late: true });
      } catch (error) {
        if (!scope.isOlderThan(DELETED_WITHIN_MS)) throw error;
        logError("sandbox_secrets_left_for_good", error, { user_id, project_id: project.project_id });
        await forgetProjectSecrets(env.DB, project);
      }
    }
    return "more";
  },
};

async function removeLost(scope: AccountScope, { project_id }: SandboxRow): Promise<void> {
  const { env, config, user_id } = scope;
  try {
    await destroySandbox(config, { database: env.DB, user_id, project_id }, AbortSignal.timeout(SANDBOX_MS));
  } catch (error) {
    if (!scope.isOlderThan(DELETED_WITHIN_MS)) throw error;
    logError("sandbox_left_for_good", error, { user_id, project_id });
  }
  await giveBackSandbox(env.DB, user_id, project_id);
}

/** The project stays until its sandbox is gone: nothing else would remember it. */
async function removeWithSandbox(scope: AccountScope, { project_id, created_at }: Project): Promise<void> {
  const { env, config, user_id } = scope;
  const deleted = { user_id, project_id, project_created_at: created_at };
  try {
    await removeProjectSandbox({ config, database: env.DB }, deleted, false, AbortSignal.timeout(SANDBOX_MS));
  } catch (error) {
    if (!scope.isOlderThan(DELETED_WITHIN_MS)) throw error;
    logError("sandbox_left_for_good", error, { user_id, project_id });
  }
  await deleteProject(env.DB, user_id, project_id);
}

/** Last: whatever other credentials are left go with those for git. */
export const credentialsPart: AccountPart = {
  name: "credentials",
  async remove({ env, user_id }) {
    await deleteLeftSecrets(env.DB, user_id);
    return "done";
  },
};

/** Marks what is open as ended, which is then carried out at the provider (docs/decisions/0070-what-a-key-made.md). */
async function markOpen({ env, config, user_id, now, signal }: AccountScope, { own }: { own: boolean }): Promise<void> {
  let last: StoredPreview | null = null;
  for (;;) {
    signal.throwIfAborted();
    const page: StoredPreview[] = await listOpenLinks(env.DB, user_id, last, now, LINKS_AT_ONCE);
    const ended = page.filter((link) => own || !isOwn({ config }, link));
    await markLinks(env.DB, user_id, ended);
    forgetLinks(ended.map(({ token }) => token));
    last = page.at(-1) ?? null;
    if (last === null) break;
  }
  await markSsh(env.DB, user_id, now);
}

function endMarked({ env, config, user_id, signal }: AccountScope): Promise<void> {
  return endRevokedAccess({ config, provider: findProvider(config), database: env.DB, user_id }, signal);
}
