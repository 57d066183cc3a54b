// Projects. Those that users create are written here immediately; a project made for a thread arrives with the thread's
// sync.
import { and, eq, sql } from "drizzle-orm";
import type { Result } from "../../protocol/error.ts";
import type { Caps } from "../../protocol/money/caps.ts";
import type { Page, PageRequest } from "../../protocol/page.ts";
import type { Project, ProjectPatch } from "../../protocol/project.ts";
import { isConflict, open } from "../database.ts";
import { listNewest } from "../newest.ts";
import { previews, projects, sshAccesses, tickets } from "./schema.ts";

/** False if the user already has a project with this id. */
export async function createProject(db: D1Database, project: Project): Promise<boolean> {
  try {
    await open(db).insert(projects).values(project);
    return true;
  } catch (error) {
    if (isConflict(error)) return false;
    throw error;
  }
}

export async function readProject(db: D1Database, user_id: string, project_id: string): Promise<Project | null> {
  const row = await open(db).select().from(projects).where(isProject(user_id, project_id)).get();
  return row ?? null;
}

export async function listProjects(
  db: D1Database,
  user_id: string,
  request: PageRequest,
): Promise<Result<Page<Project>>> {
  return listNewest(
    request,
    [projects.created_at, projects.project_id],
    ({ older, order, limit }) =>
      open(db)
        .select()
        .from(projects)
        .where(and(eq(projects.user_id, user_id), older))
        .orderBy(...order)
        .limit(limit),
    (row) => [row.created_at, row.project_id],
  );
}

/** Changes those that are given; null takes one away. Another change at the same time is kept. */
function changedCaps(caps: Caps | null) {
  if (caps === null) return null;
  return sql`nullif(json_patch(coalesce(${projects.caps}, '{}'), ${JSON.stringify(caps)}), '{}')`;
}

/** The changed project; null if the user has no project with this id. */
export async function updateProject(
  db: D1Database,
  user_id: string,
  project_id: string,
  { caps, ...patch }: ProjectPatch,
  now: number,
): Promise<Project | null> {
  const [row] = await open(db)
    .update(projects)
    .set({ ...patch, ...(caps !== undefined && { caps: changedCaps(caps) }), updated_at: new Date(now).toISOString() })
    .where(isProject(user_id, project_id))
    .returning();
  return row ?? null;
}

/** Deletes the project with the preview links of its sandbox, which is gone with its SSH access. */
export async function deleteProject(db: D1Database, user_id: string, project_id: string): Promise<void> {
  const database = open(db);
  const isOf = (table: typeof previews | typeof tickets | typeof sshAccesses) =>
    and(eq(table.user_id, user_id), eq(table.project_id, project_id));
  await database.batch([
    database.delete(previews).where(isOf(previews)),
    database.delete(sshAccesses).where(isOf(sshAccesses)),
    database.delete(tickets).where(isOf(tickets)),
    database.delete(projects).where(isProject(user_id, project_id)),
  ]);
}

function isProject(user_id: string, project_id: string) {
  return and(eq(projects.user_id, user_id), eq(projects.project_id, project_id));
}
