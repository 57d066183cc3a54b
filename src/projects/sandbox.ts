// From a project to its sandbox. Used by a thread's tools and by the routes through which people reach the same sandbox.
import type { OnSandboxState, Sandbox } from "../agent/sandbox.ts";
import type { Workspace } from "../agent/workspace.ts";
import type { Config } from "../config.ts";
import { hashText, toHex } from "../lib/hash.ts";
import { findProvider, type SandboxRequest } from "../sandboxes/index.ts";
import { readProject } from "../store/projects/projects.ts";
import { createGitAccess } from "./git.ts";
import type { ProjectPlace } from "./place.ts";
import { keepLinks } from "./previews/previews.ts";

/** A project that was deleted, told from one that was made again under its id. */
export interface DeletedProject {
  user_id: string;
  project_id: string;
  project_created_at: string;
}

/** Which sandbox's files a thread's model knows, across lives. */
export interface SandboxMemory {
  readonly known: string | null;
  remember(id: string): void;
}

export async function openProjectSandbox(
  place: ProjectPlace,
  onState: OnSandboxState,
  memory: SandboxMemory,
): Promise<Sandbox> {
  const known = { known: memory.known, onKnown: memory.remember };
  return keepLinks(place.provider.openSandbox({ ...(await describeSandbox(place)), ...known, onState }), place);
}

export async function openProjectWorkspace(place: ProjectPlace): Promise<Workspace> {
  return place.provider.openWorkspace(await describeSandbox(place));
}

/** Deletes the sandbox of a deleted project, and never that of its successor. Rejects with `SandboxError`. */
export async function removeProjectSandbox(
  config: Config,
  { user_id, project_id, project_created_at }: DeletedProject,
  hasSuccessor: boolean,
  signal: AbortSignal,
): Promise<void> {
  const provider = findProvider(config);
  if (provider === null) return;
  const request = { name: await sandboxName(user_id, project_id), labels: {}, recipe: {} };
  // One that an earlier version made does not say of which project it is.
  const isMeant = ({ project_created_at: of }: Record<string, string>) =>
    of === undefined ? !hasSuccessor : of === project_created_at;
  await provider.openWorkspace(request).destroy(signal, isMeant);
}

async function describeSandbox(place: ProjectPlace): Promise<SandboxRequest> {
  const { config, database, user_id, project_id, project } = place;
  return {
    name: await sandboxName(user_id, project_id),
    labels: labelsOf(place),
    recipe: project?.sandbox ?? {},
    isWanted: () => isThere(place),
    git: { access: createGitAccess({ ...config, database, user_id }), source: project?.git ?? null },
  };
}

async function isThere({ database, user_id, project_id, project }: ProjectPlace): Promise<boolean> {
  if (project === null) return true;
  return (await readProject(database, user_id, project_id))?.created_at === project.created_at;
}

/** A project that is made again under the id of a deleted one is told from that by the time of its making. */
function labelsOf({ user_id, project_id, created_at }: ProjectPlace): Record<string, string> {
  return { app: "taskloom", user_id, project_id, project_created_at: created_at };
}

/** One name per project, so that two threads which use it first at once meet in one sandbox. */
export async function sandboxName(user_id: string, project_id: string): Promise<string> {
  return `taskloom-${toHex(await hashText(`${user_id}/${project_id}`)).slice(0, 32)}`;
}
