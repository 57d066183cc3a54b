// From a project to its sandbox: the project's own settings come first, then the server's. Used by a thread's tools and by
// the doors through which people reach the same sandbox.
import type { OnSandboxState, Sandbox } from "../agent/sandbox.ts";
import type { Workspace } from "../agent/workspace.ts";
import type { Config } from "../config.ts";
import { hashText, toHex } from "../lib/hash.ts";
import type { Project } from "../protocol/project.ts";
import { createDaytonaSandbox, createDaytonaWorkspace, type DaytonaSettings } from "../sandboxes/index.ts";

export type DaytonaConfig = NonNullable<Config["daytona"]>;

export interface ProjectKey {
  user_id: string;
  project_id: string;
}

/** `project` is null where D1 does not know it yet: then only the server's settings hold. */
export async function openProjectSandbox(
  config: DaytonaConfig,
  key: ProjectKey,
  project: Project | null,
  onState: OnSandboxState,
): Promise<Sandbox> {
  return createDaytonaSandbox(await readSettings(config, key, project, onState));
}

export async function openProjectWorkspace(
  config: DaytonaConfig,
  key: ProjectKey,
  project: Project | null,
): Promise<Workspace> {
  return createDaytonaWorkspace(await readSettings(config, key, project, () => {}));
}

async function readSettings(
  config: DaytonaConfig,
  { user_id, project_id }: ProjectKey,
  project: Project | null,
  onState: OnSandboxState,
): Promise<DaytonaSettings> {
  return {
    ...config,
    target: project?.sandbox?.target ?? config.target,
    snapshot: project?.sandbox?.snapshot ?? config.snapshot,
    name: await sandboxName({ user_id, project_id }),
    labels: { app: "taskloom", user_id, project_id },
    onState,
  };
}

/** One name per project, so that two threads which use it first at once meet in one sandbox. */
export async function sandboxName({ user_id, project_id }: ProjectKey): Promise<string> {
  return `taskloom-${toHex(await hashText(`${user_id}/${project_id}`)).slice(0, 32)}`;
}
