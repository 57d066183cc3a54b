// Opens and removes a project's sandbox, for a thread's tools and for the routes that people use.
import type { OnSandboxState, Sandbox } from "../agent/sandbox.ts";
import type { Workspace } from "../agent/workspace.ts";
import type { Config } from "../config.ts";
import { hashText, toHex } from "../lib/hash.ts";
import { findProvider, type SandboxRequest } from "../sandboxes/index.ts";
import { readProject } from "../store/projects/projects.ts";
import { deleteProjectSecrets } from "../store/projects/sandbox-secrets.ts";
import { giveBackSandbox } from "../store/quotas/sandboxes.ts";
import { createGitAccess } from "./git.ts";
import { keepLinks } from "./previews/previews.ts";
import { countSandbox } from "./sandbox-count.ts";
import { keepSandboxIds, type SandboxIdScope } from "./sandbox-ids.ts";
import { dropProjectSecrets, giveSecrets } from "./sandbox-secrets.ts";
import type { ProjectScope } from "./scope.ts";

/** A deleted project. Its creation time distinguishes it from a new project with the same id. */
export interface DeletedProject {
  user_id: string;
  project_id: string;
  project_created_at: string;
}

/** Remembers across lives which sandbox's files a thread's model knows. */
export interface SandboxMemory {
  readonly known: string | null;
  remember(id: string): void;
}

export async function openProjectSandbox(
  scope: ProjectScope,
  onState: OnSandboxState,
  memory: SandboxMemory,
): Promise<Sandbox> {
  const known = { known: memory.known, onKnown: memory.remember };
  return keepLinks(scope.provider.openSandbox({ ...(await describeSandbox(scope)), ...known, onState }), scope);
}

export async function openProjectWorkspace(scope: ProjectScope): Promise<Workspace> {
  return scope.provider.openWorkspace(await describeSandbox(scope));
}

/**
 * Deletes the sandbox of a deleted project, never that of a new project with the same id. Rejects with `SandboxError`.
 */
export async function removeProjectSandbox(
  { config, database }: { config: Config; database: D1Database },
  { user_id, project_id, project_created_at }: DeletedProject,
  hasSuccessor: boolean,
  signal: AbortSignal,
): Promise<void> {
  // One that was created while nobody knew the project's creation time has none.
  const isTarget = ({ project_created_at: of }: Record<string, string>) =>
    of === undefined ? !hasSuccessor : of === project_created_at;
  const project = { user_id, project_id, project_created_at };
  // Values go also if the provider is away; what it keeps may be refused to go before the sandbox.
  await deleteProjectSecrets(database, project, new Date().toISOString());
  await destroySandbox(config, { database, user_id, project_id }, signal, isTarget);
  await giveBackSandbox(database, user_id, project_id, project_created_at);
  await dropProjectSecrets({ config, database, ...project }, signal);
}

/** Deletes a sandbox at the provider, if it is there; `isTarget` may spare it by its labels. */
export async function destroySandbox(
  config: Config,
  scope: SandboxIdScope,
  signal: AbortSignal,
  isTarget: (labels: Record<string, string>) => boolean = () => true,
): Promise<void> {
  await findProvider(config)
    ?.openWorkspace(await describeExisting(scope))
    .destroy(signal, isTarget);
}

/** For what creates and starts nothing. */
export async function describeExisting(scope: SandboxIdScope): Promise<SandboxRequest> {
  const name = await sandboxName(scope.user_id, scope.project_id);
  return { name, labels: {}, recipe: {}, ids: keepSandboxIds(scope) };
}

async function describeSandbox(scope: ProjectScope): Promise<SandboxRequest> {
  const { config, database, user_id, project_id, project, created_at } = scope;
  return {
    name: await sandboxName(user_id, project_id),
    labels: labelsOf(scope),
    recipe: project?.sandbox ?? {},
    isWanted: () => isThere(scope),
    count: countSandbox(scope),
    ids: keepSandboxIds(scope),
    ...(created_at === null ? {} : { secrets: giveSecrets({ ...scope, project_created_at: created_at }) }),
    git: { access: createGitAccess({ ...config, database, user_id }), source: project?.git ?? null },
  };
}

async function isThere({ database, user_id, project_id, project }: ProjectScope): Promise<boolean> {
  if (project === null) return true;
  return (await readProject(database, user_id, project_id))?.created_at === project.created_at;
}

/** The creation time distinguishes a project from a deleted one with the same id. */
function labelsOf({ user_id, project_id, created_at }: ProjectScope): Record<string, string> {
  const labels = { app: "taskloom", user_id, project_id };
  return created_at === null ? labels : { ...labels, project_created_at: created_at };
}

/** One name per project, so that two threads that create the sandbox at the same time share one. */
export async function sandboxName(user_id: string, project_id: string): Promise<string> {
  return `taskloom-${toHex(await hashText(`${user_id}/${project_id}`)).slice(0, 32)}`;
}
