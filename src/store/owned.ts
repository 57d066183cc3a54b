// Whether a user has what a request names, in one trip.

export interface Named {
  agent_id?: string | null | undefined;
  project_id?: string | null | undefined;
}

const FIND = `SELECT
  EXISTS (SELECT 1 FROM agents WHERE user_id = ?1 AND agent_id = ?2) AS agent,
  EXISTS (SELECT 1 FROM projects WHERE user_id = ?1 AND project_id = ?3) AS project`;

export async function findNamed(
  db: D1Database,
  user_id: string,
  { agent_id = null, project_id = null }: Named,
): Promise<{ agent: boolean; project: boolean }> {
  const found = await db.prepare(FIND).bind(user_id, agent_id, project_id).first<{ agent: number; project: number }>();
  return { agent: found?.agent === 1, project: found?.project === 1 };
}
