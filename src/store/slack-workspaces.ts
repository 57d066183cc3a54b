// Slack workspaces. A workspace belongs to one user, since an event brings only the workspace's id.
import { and, eq, getTableColumns, sql } from "drizzle-orm";
import type { Result } from "../protocol/error.ts";
import type { Quotas } from "../protocol/money/quotas.ts";
import type { Page, PageRequest } from "../protocol/page.ts";
import type { SlackWorkspace } from "../protocol/slack.ts";
import { open } from "./database.ts";
import { ownerOfLive } from "./keys/maker.ts";
import { listNewest } from "./newest.ts";
import { quotasOf, type Rest, readQuotas, restOf } from "./people/acting.ts";
import { roomFor, rowWhere } from "./quotas/insert.ts";
import { slackWorkspaces } from "./schema.ts";

export interface WorkspaceKey {
  user_id: string;
  team_id: string;
  /** Set to match only the workspace as it was read at that time. */
  updated_at?: string;
}

/**
 * Returns the workspace as stored; an existing one keeps its time of creation. Null if it belongs to another user, or if
 * it is new and the user has `usual` workspaces, or as many as an admin permits.
 * Rejects if its maker is a deleted key (`whileMakerLives`).
 */
export async function putSlackWorkspace(
  db: D1Database,
  workspace: SlackWorkspace,
  usual?: number,
): Promise<SlackWorkspace | null> {
  const { user_id, created_at: _, ...changed } = workspace;
  const isThere = sql`EXISTS (SELECT 1 FROM slack_workspaces WHERE team_id = ${workspace.team_id})`;
  const room = sql`(${isThere} OR ${roomFor(user_id, "slack_workspaces", usual)})`;
  const made = { ...workspace, user_id: ownerOfLive(user_id, workspace.made_by) };
  const [row] = await open(db)
    .insert(slackWorkspaces)
    .select(rowWhere(slackWorkspaces, made, room))
    .onConflictDoUpdate({
      target: slackWorkspaces.team_id,
      set: changed,
      setWhere: eq(slackWorkspaces.user_id, user_id),
    })
    .returning();
  return row ?? null;
}

/** Null if the user has no workspace with this id. */
export async function updateSlackWorkspace(
  db: D1Database,
  { user_id, team_id }: Pick<SlackWorkspace, "user_id" | "team_id">,
  change: Partial<Pick<SlackWorkspace, "agent_id" | "project_id">> & { updated_at: string },
): Promise<SlackWorkspace | null> {
  const [row] = await open(db)
    .update(slackWorkspaces)
    .set(change)
    .where(and(eq(slackWorkspaces.user_id, user_id), eq(slackWorkspaces.team_id, team_id)))
    .returning();
  return row ?? null;
}

export async function findSlackWorkspace(db: D1Database, team_id: string): Promise<SlackWorkspace | null> {
  return (await open(db).select().from(slackWorkspaces).where(eq(slackWorkspaces.team_id, team_id)).get()) ?? null;
}

/** The same with the `Rest` of its user, null for one who may act, and an admin's quotas for the user. */
export async function findOwnedWorkspace(
  db: D1Database,
  team_id: string,
): Promise<{ workspace: SlackWorkspace; rest: Rest | null; quotas: Quotas | null } | null> {
  const rest = sql<Rest | null>`${sql.raw(restOf("slack_workspaces.user_id"))}`;
  const quotas = sql<string | null>`${sql.raw(quotasOf("slack_workspaces.user_id"))}`;
  const row = await open(db)
    .select({ ...getTableColumns(slackWorkspaces), rest, quotas })
    .from(slackWorkspaces)
    .where(eq(slackWorkspaces.team_id, team_id))
    .get();
  if (row === undefined) return null;
  const { rest: found, quotas: held, ...workspace } = row;
  return { workspace, rest: found, quotas: readQuotas(held) };
}

export async function listSlackWorkspaces(
  db: D1Database,
  user_id: string,
  request: PageRequest,
): Promise<Result<Page<SlackWorkspace>>> {
  return listNewest(
    request,
    [slackWorkspaces.created_at, slackWorkspaces.team_id],
    ({ older, order, limit }) =>
      open(db)
        .select()
        .from(slackWorkspaces)
        .where(and(eq(slackWorkspaces.user_id, user_id), older))
        .orderBy(...order)
        .limit(limit),
    (row) => [row.created_at, row.team_id],
  );
}

/** False if the user has no workspace with this id and time. */
export async function deleteSlackWorkspace(
  db: D1Database,
  { user_id, team_id, updated_at }: WorkspaceKey,
): Promise<boolean> {
  const isOwn = and(eq(slackWorkspaces.user_id, user_id), eq(slackWorkspaces.team_id, team_id));
  const deleted = await open(db)
    .delete(slackWorkspaces)
    .where(updated_at === undefined ? isOwn : and(isOwn, eq(slackWorkspaces.updated_at, updated_at)))
    .returning({ team_id: slackWorkspaces.team_id });
  return deleted.length > 0;
}
