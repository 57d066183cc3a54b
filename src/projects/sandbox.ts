// From a project to its sandbox: the project's own settings come first, then the server's. Used by a thread's tools and by
// the doors through which people reach the same sandbox.
import { type OnSandboxState, type Sandbox, SandboxError } from "../agent/sandbox.ts";
import type { Workspace } from "../agent/workspace.ts";
import type { Config } from "../config.ts";
import { hashText, toHex } from "../lib/hash.ts";
import { createDaytonaSandbox, createDaytonaWorkspace, type DaytonaSettings } from "../sandboxes/index.ts";
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

/** Rejects with `SandboxError` where the server has no sandboxes. */
export async function openProjectSandbox(
  place: ProjectPlace,
  onState: OnSandboxState,
  memory: SandboxMemory,
): Promise<Sandbox> {
  const known = { known: memory.known, onKnown: memory.remember };
  return keepLinks(createDaytonaSandbox({ ...(await readSettings(place, onState)), ...known }), place);
}

/** Rejects with `SandboxError` where the server has no sandboxes. */
export async function openProjectWorkspace(place: ProjectPlace): Promise<Workspace> {
  return createDaytonaWorkspace(await readSettings(place, () => {}));
}

/** Deletes the sandbox of a deleted project, and never that of its successor. Rejects with `SandboxError`. */
export async function removeProjectSandbox(
  config: Config,
  { user_id, project_id, project_created_at }: DeletedProject,
  hasSuccessor: boolean,
  signal: AbortSignal,
): Promise<void> {
  if (config.daytona === null) return;
  const settings = {
    ...config.daytona,
    name: await sandboxName(user_id, project_id),
    labels: {},
    onState: () => {},
  };
  // One that an earlier version made does not say of which project it is.
  const isMeant = ({ project_created_at: of }: Record<string, string>) =>
    of === undefined ? !hasSuccessor : of === project_created_at;
  await createDaytonaWorkspace(settings).destroy(signal, isMeant);
}

async function readSettings(place: ProjectPlace, onState: OnSandboxState): Promise<DaytonaSettings> {
  const { config, database, user_id, project_id, project } = place;
  if (config.daytona === null) {
    throw new SandboxError("unavailable", "No sandbox is set up: the server's setting DAYTONA_API_KEY is missing.");
  }
  const { target, snapshot, ...recipe } = project?.sandbox ?? {};
  const isBuilt = recipe.image !== undefined || recipe.dockerfile !== undefined;
  return {
    ...config.daytona,
    target: target ?? config.daytona.target,
    // The server's own snapshot is for who asks for nothing else.
    snapshot: isBuilt ? null : (snapshot ?? config.daytona.snapshot),
    recipe,
    name: await sandboxName(user_id, project_id),
    labels: labelsOf(place),
    onState,
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
