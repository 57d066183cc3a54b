import type { Config } from "../config.ts";
import type { Project } from "../protocol/project.ts";
import type { SandboxProvider } from "../sandboxes/index.ts";

export interface AgentRun {
  thread_id: string;
  invocation_id: string;
}

/** A project, with the server's resources that its sandbox and links need. */
export interface ProjectScope {
  config: Config;
  provider: SandboxProvider;
  database: D1Database;
  user_id: string;
  project_id: string;
  /** Null if D1 does not have the project yet: then only the server's settings apply. */
  project: Project | null;
  /** When the project was created, also if D1 does not have it yet. */
  created_at: string;
  /** The id of the key for whom links are made; absent or null if that is not known. */
  maker?: () => string | null;
  /** The run for which an agent works; absent if a person does. */
  run?: (() => AgentRun) | undefined;
}
