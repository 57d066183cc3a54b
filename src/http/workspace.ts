// Opens the workspace of the caller's project for a request.
import { SandboxError } from "../agent/sandbox.ts";
import type { Workspace } from "../agent/workspace.ts";
import { openProjectWorkspace } from "../projects/sandbox.ts";
import type { ProjectScope } from "../projects/scope.ts";
import type { ProblemCode } from "../protocol/error.ts";
import { describeMissing, findProvider, type SandboxProvider } from "../sandboxes/index.ts";
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

/** The problems that an operation on a workspace can answer. */
export const workspaceProblems: ProblemCode[] = ["not_found", "sandbox_failed", "not_configured"];

/** Runs `work` on the workspace of the caller's project. Failures of the sandbox become problems. */
export async function withWorkspace<Value>(
  context: AppContext,
  project_id: string,
  work: (workspace: Workspace, signal: AbortSignal, scope: ProjectScope) => Promise<Value>,
): Promise<Value> {
  const project = await requireProject(context, project_id);
  const provider = requireProvider(context);
  const { key_id } = context.get("caller");
  const world = { config: context.get("config"), provider, database: context.env.DB, maker: () => key_id };
  const scope = { ...world, ...project, project };
  const workspace = await openProjectWorkspace(scope);
  try {
    return await work(workspace, context.req.raw.signal, scope);
  } catch (error) {
    throw error instanceof SandboxError ? new Problem(codes[error.code], error.message) : error;
  }
}

export function requireProvider(context: AppContext): SandboxProvider {
  const provider = findProvider(context.get("config"));
  if (provider === null) throw new Problem("not_configured", describeMissing());
  return provider;
}

/** Returns what a workspace answers. `undefined` means that the provider lacks this ability. */
export function requireAbility<Answer>(answer: Promise<Answer> | undefined, ability: string): Promise<Answer> {
  if (answer === undefined) throw new Problem("not_configured", `The sandboxes of this server don't offer ${ability}.`);
  return answer;
}
