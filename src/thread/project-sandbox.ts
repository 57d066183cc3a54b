// From a project to its sandbox: the project's own settings come first, then the server's. Used by a thread's tools and by
// the doors through which people reach the same sandbox.
import { type OnSandboxState, type Sandbox, SandboxError } from "../agent/sandbox.ts";
import type { Workspace } from "../agent/workspace.ts";
import type { Config } from "../config.ts";
import { hashText, toHex } from "../lib/hash.ts";
import type { Project } from "../protocol/project.ts";
import { createDaytonaSandbox, createDaytonaWorkspace, type DaytonaSettings } from "../sandboxes/index.ts";

/** A project, and what the server has for it. */
export interface ProjectPlace {
  config: Config;
  database: D1Database;
  user_id: string;
  project_id: string;
  /** Null where D1 does not know it yet: then only the server's settings hold. */
  project: Project | null;
}

/** Rejects with `SandboxError` where the server has no sandboxes. */
export async function openProjectSandbox(place: ProjectPlace, onState: OnSandboxState): Promise<Sandbox> {
  return createDaytonaSandbox(await readSettings(place, onState));
}

/** Rejects with `SandboxError` where the server has no sandboxes. */
export async function openProjectWorkspace(place: ProjectPlace): Promise<Workspace> {
  return createDaytonaWorkspace(await readSettings(place, () => {}));
}

async function readSettings(place: ProjectPlace, onState: OnSandboxState): Promise<DaytonaSettings> {
  const { config, user_id, project_id, project } = place;
  if (config.daytona === null) {
    throw new SandboxError("unavailable", "No sandbox is set up: the server's setting DAYTONA_API_KEY is missing.");
  }
  return {
    ...config.daytona,
    target: project?.sandbox?.target ?? config.daytona.target,
    snapshot: project?.sandbox?.snapshot ?? config.daytona.snapshot,
    name: await sandboxName(user_id, project_id),
    labels: { app: "taskloom", user_id, project_id },
    onState,
  };
}

/** One name per project, so that two threads which use it first at once meet in one sandbox. */
export async function sandboxName(user_id: string, project_id: string): Promise<string> {
  return `taskloom-${toHex(await hashText(`${user_id}/${project_id}`)).slice(0, 32)}`;
}
