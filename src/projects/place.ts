// A project as those know it who work for it.
import type { Config } from "../config.ts";
import type { Project } from "../protocol/project.ts";
import type { SandboxProvider } from "../sandboxes/index.ts";

/** A project, and what the server has for it. */
export interface ProjectPlace {
  config: Config;
  provider: SandboxProvider;
  database: D1Database;
  user_id: string;
  project_id: string;
  /** Null where D1 does not know it yet: then only the server's settings hold. */
  project: Project | null;
  /** When the project was made, also where D1 does not know. */
  created_at: string;
}
