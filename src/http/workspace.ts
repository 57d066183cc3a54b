// The way from a request to the sandbox of the caller's project.
import { SandboxError } from "../agent/sandbox.ts";
import type { Workspace } from "../agent/workspace.ts";
import { openProjectWorkspace } from "../projects/sandbox.ts";
import type { ProblemCode } from "../protocol/error.ts";
import type { Project } from "../protocol/project.ts";
import type { AppContext } from "./context.ts";
import { Problem } from "./errors.ts";
import { requireProject } from "./ownership.ts";

const codes: Record<SandboxError["code"], ProblemCode> = {
  unavailable: "sandbox_failed",
  failed: "sandbox_failed",
  not_found: "not_found",
  invalid: "invalid_field",
  too_large: "body_too_large",
  refused: "forbidden",
};

/** What an operation on a workspace can answer beside its success. */
export const workspaceProblems: ProblemCode[] = ["not_found", "sandbox_failed", "not_configured"];

/** What `work` makes of the workspace of the caller's project; failures of the sandbox become problems. */
export async function withWorkspace<Value>(
  context: AppContext,
  project_id: string,
  work: (workspace: Workspace, signal: AbortSignal, project: Project) => Promise<Value>,
): Promise<Value> {
  const project = await requireProject(context, project_id);
  const config = context.get("config");
  if (config.daytona === null) {
    throw new Problem("not_configured", "No sandbox is set up: the server's setting DAYTONA_API_KEY is missing.");
  }
  const workspace = await openProjectWorkspace({ config, database: context.env.DB, ...project, project });
  try {
    return await work(workspace, context.req.raw.signal, project);
  } catch (error) {
    throw error instanceof SandboxError ? new Problem(codes[error.code], error.message) : error;
  }
}
