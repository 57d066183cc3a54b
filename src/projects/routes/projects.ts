// Projects. Deleting one deletes its threads, each through its own object, then its sandbox.
import { z } from "@hono/zod-openapi";
import type { App, AppContext } from "../../http/context.ts";
import { Problem, problemOf, unwrap } from "../../http/errors.ts";
import { nearAnswer, nearHeaders, readNear } from "../../http/lists/near.ts";
import { addOperation } from "../../http/operation.ts";
import { missing, removeThread, requireProject, withStock } from "../../http/ownership.ts";
import { takeOne } from "../../http/quotas/quotas.ts";
import { pageOf, pageQuery } from "../../http/schemas.ts";
import { isBranchName, readGitAddress, whyNoCheckout } from "../../lib/git-address.ts";
import { whyNotPublic } from "../../lib/public-url.ts";
import { clientId, newId } from "../../protocol/ids.ts";
import { type Caps, changeCaps, hasCap, pickCaps, showCaps } from "../../protocol/money/caps.ts";
import type { GitSource, Project } from "../../protocol/project.ts";
import { catchUpBudgets } from "../../store/budgets/catch-up.ts";
import { createProject, deleteProject, listProjects, updateProject } from "../../store/projects/projects.ts";
import { listThreadsOfProject } from "../../store/threads.ts";
import { agentMemory } from "../../thread/agent-memory.ts";
import { removeSandbox } from "./sandbox-removal.ts";
import { requireWithinLimits } from "./sandbox-settings.ts";
import { project, projectBody, projectPatch } from "./schemas.ts";

const tag = "Projects";
const params = z.object({ project_id: clientId });

// How many threads' objects delete themselves at a time.
const THREADS_AT_ONCE = 20;

export function addProjects(app: App): void {
  addCreateAndList(app);
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/projects/{project_id}",
      tag,
      summary: "Read a project",
      description: "Includes its repository, its caps and the configuration of its sandbox.",
      params,
      answers: { 200: { description: "The project.", schema: project } },
      problems: ["not_found"],
    },
    async (context, { params }) => context.json(show(await requireProject(context, params.project_id))),
  );
  addOperation(
    app,
    {
      method: "patch",
      path: "/v1/projects/{project_id}",
      tag,
      summary: "Change a project",
      description:
        "Absent fields stay unchanged; `null` clears a field. All runs of the project share its caps. A run keeps the caps that it started with.",
      params,
      body: projectPatch,
      answers: { 200: { description: "The changed project.", schema: project } },
      problems: ["not_found", "quota_exceeded"],
    },
    async (context, { params, body }) => {
      requireSource(context, body.git);
      requireWithinLimits(context, body.sandbox);
      const { user_id } = context.get("caller");
      const { max_cost_usd, max_total_tokens, max_minutes, ...others } = body;
      const caps = pickCaps({ max_cost_usd, max_total_tokens, max_minutes });
      const patch = { ...others, ...(caps && { caps }) };
      if (caps !== undefined && hasCap(caps)) await catchUp(context, params.project_id, caps);
      const changed = await updateProject(context.env.DB, user_id, params.project_id, patch, Date.now());
      if (!changed) throw missing("project", params.project_id);
      agentMemory.forgetProject(user_id, params.project_id);
      return context.json(show(changed));
    },
  );
  addOperation(
    app,
    {
      method: "delete",
      path: "/v1/projects/{project_id}",
      tag,
      summary: "Delete a project, its threads and its sandbox",
      description: "If the sandbox can't be reached, it is deleted later.",
      params,
      answers: { 204: { description: "It is deleted." } },
      problems: ["not_found"],
    },
    async (context, { params }) => {
      const project = await requireProject(context, params.project_id);
      await removeThreads(context, params.project_id);
      await removeSandbox({ config: context.get("config"), database: context.env.DB, jobs: context.env.JOBS }, project);
      await deleteProject(context.env.DB, project.user_id, params.project_id);
      agentMemory.forgetProject(project.user_id, params.project_id);
      return context.body(null, 204);
    },
  );
}

/** Counts what was spent while there was no cap. That reads each run of the project, as a sum of usage does. */
async function catchUp(context: AppContext, project_id: string, caps: Caps): Promise<void> {
  const before = await requireProject(context, project_id);
  if (hasCap(before.caps)) return;
  const caller = context.get("caller");
  const refusal = await takeOne(context.env, caller, "sums_per_minute");
  if (refusal !== null) throw problemOf(refusal);
  await catchUpBudgets(context.env.DB, caller.user_id, [{ scope: "project", id: project_id, period: "all", caps }]);
}

function show({ caps, retention_days, created_at, updated_at, ...project }: Project) {
  return { ...project, ...showCaps(caps), retention_days, created_at, updated_at };
}

/**
 * Refuses at once what a clone would refuse. The clone checks again, since the operator may have changed the settings
 * by then.
 */
function requireSource(context: AppContext, git: GitSource | null | undefined): void {
  if (!git) return;
  const address = readGitAddress(git.url);
  if ("wrong" in address) throw new Problem("invalid_field", `git.url: ${address.wrong}`);
  if (git.branch !== undefined && !isBranchName(git.branch)) {
    throw new Problem("invalid_field", "git.branch: can't be the name of a branch");
  }
  const wrong = git.path === undefined ? null : whyNoCheckout(git.path);
  if (wrong !== null) throw new Problem("invalid_field", `git.path: ${wrong}`);
  const why = context.get("config").private_urls_allowed ? null : whyNotPublic(address.url);
  if (why !== null) throw new Problem("invalid_field", `git.url: its host ${why}, which this server does not reach`);
}

async function removeThreads(context: AppContext, project_id: string): Promise<void> {
  const { user_id } = context.get("caller");
  for (;;) {
    const threads = await listThreadsOfProject(context.env.DB, user_id, project_id, THREADS_AT_ONCE);
    if (threads.length === 0) return;
    await Promise.all(threads.map((thread_id) => removeThread(context.env, { user_id, thread_id })));
  }
}

function addCreateAndList(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/projects",
      tag,
      summary: "Create a project",
      description:
        "A project can have a repository, which its sandbox clones, and caps that its runs share. The sandbox is created at its first use.",
      body: projectBody,
      answers: {
        201: { description: "The project.", schema: project, headers: { Location: "The project's path." } },
      },
      problems: ["already_exists", "quota_exceeded"],
    },
    async (context, { body }) => {
      requireSource(context, body.git);
      requireWithinLimits(context, body.sandbox);
      const now = new Date().toISOString();
      const made: Project = {
        project_id: body.project_id ?? newId("proj"),
        user_id: context.get("caller").user_id,
        name: body.name,
        git: body.git ?? null,
        sandbox: body.sandbox ?? null,
        caps: changeCaps(null, pickCaps(body)) ?? null,
        retention_days: body.retention_days ?? null,
        created_at: now,
        updated_at: now,
      };
      await withStock(context, { makes_project: true }, async () => {
        const isNew = await createProject(context.env.DB, made);
        if (!isNew) throw new Problem("already_exists", `There is a project ${made.project_id}.`);
      });
      agentMemory.forgetProject(made.user_id, made.project_id);
      return context.json(show(made), 201, { location: `/v1/projects/${made.project_id}` });
    },
  );
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/projects",
      tag,
      summary: "List projects",
      description: "Newest first.",
      query: pageQuery,
      headers: nearHeaders,
      answers: { 200: { description: "Projects, newest first.", schema: pageOf(project), headers: nearAnswer } },
      problems: ["bad_cursor"],
    },
    async (context, { query }) => {
      const request = { limit: query.limit, cursor: query.cursor ?? null };
      const page = unwrap(await readNear(context, (db) => listProjects(db, context.get("caller").user_id, request)));
      return context.json({ ...page, data: page.data.map(show) });
    },
  );
}
