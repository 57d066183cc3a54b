// Opens the workspace of the caller's project for a request.
import { SandboxError } from "../agent/sandbox.ts";
import type { Workspace } from "../agent/workspace.ts";
import { openProjectWorkspace } from "../projects/sandbox.ts";
import type { ProjectScope } from "../projects/scope.ts";
import type { ProblemCode } from "../protocol/error.ts";
import { describeMissing, findProvider, type SandboxProvider } from "../sandboxes/index.ts";
import type { AppContext } from "./context.ts";
import { Problem } from "./errors.ts";
import { type KeyWatch, watchKey } from "./key-watch.ts";
import { requireProject } from "./ownership.ts";

const codes: Record<SandboxError["code"], ProblemCode> = {
  unavailable: "sandbox_failed",
  failed: "sandbox_failed",
  not_found: "not_found",
  invalid: "invalid_field",
  too_large: "body_too_large",
  refused: "forbidden",
  quota_exceeded: "quota_exceeded",
};

/** The problems that an operation on a workspace can answer. */
export const workspaceProblems: ProblemCode[] = ["not_found", "sandbox_failed", "not_configured", "quota_exceeded"];

type Work<Value> = (workspace: Workspace, signal: AbortSignal, scope: ProjectScope) => Promise<Value>;

/**
 * Runs `work` on the workspace of the caller's project. Failures of the sandbox become problems. The signal is aborted
 * when the caller's key no longer holds, or the client has left.
 */
export async function withWorkspace<Value>(context: AppContext, project_id: string, work: Work<Value>): Promise<Value> {
  const watch = watchKey(context);
  try {
    return await withWatchedWorkspace(context, project_id, watch, work);
  } finally {
    watch.stop();
  }
}

/** The same for a caller that watches the key itself, because its connection stays open after `work`. */
export async function withWatchedWorkspace<Value>(
  context: AppContext,
  project_id: string,
  { signal: ended }: KeyWatch,
  work: Work<Value>,
): Promise<Value> {
  const project = await requireProject(context, project_id);
  const provider = requireProvider(context);
  const { key_id } = context.get("caller");
  const world = { config: context.get("config"), provider, database: context.env.DB, maker: () => key_id };
  const scope = { ...world, ...project, project };
  const workspace = await openProjectWorkspace(scope);
  try {
    return await work(workspace, AbortSignal.any([context.req.raw.signal, ended]), scope);
  } catch (error) {
    ended.throwIfAborted();
    if (!(error instanceof SandboxError)) throw error;
    const { code, message, retry_after_s } = error;
    throw new Problem(codes[code], message, true, retry_after_s);
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
