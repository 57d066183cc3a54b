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
  /** Null if D1 does not have the project, yet or any more: then only the server's settings apply. */
  project: Project | null;
  /**
   * When the project was created, also if D1 does not have it yet. Null if nobody knows, as when D1 was restored to an
   * earlier time or another D1 was bound: then any sandbox of that name is the project's.
   */
  created_at: string | null;
  /** The id of the key for whom links are made; absent or null if that is not known. */
  maker?: () => string | null;
  /** The run for which an agent works; absent if a person does. */
  run?: (() => AgentRun) | undefined;
}
