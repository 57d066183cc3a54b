// Deletes the rows of a deleted user, a bounded number at a time: a statement of D1 has half a minute. Every table's key
// begins with the user, so no other user's row is read.

/** Rows may be messages of a megabyte. */
const ROWS_AT_ONCE = 500;

/** The tables whose rows go without more ado, with their keys after the user. */
const keys = {
  api_keys: "key_id",
  tickets: "hash",
  triggers: "trigger_id",
  trigger_deliveries: "trigger_id, created_at, delivery_id",
  webhooks: "webhook_id",
  deliveries: "webhook_id, delivery_id",
  slack_workspaces: "team_id",
  sandboxes: "project_id",
  quota_uses: "name",
  usage_days: "date, project_id",
  agents: "agent_id",
  agent_versions: "agent_id, version",
  leases: "thread_id, lease_id, scope, period",
} as const;

export type AccountTable = keyof typeof keys;

/** Deletes some rows of the first table that has any. `done` if none of them has one. */
export async function deleteAccountRows(
  db: D1Database,
  user_id: string,
  tables: AccountTable[],
): Promise<"done" | "more"> {
  for (const table of tables) {
    if (await deleteSome(db, user_id, table)) return "more";
  }
  return "done";
}

/** The credentials of one kind. */
export async function deleteAccountSecrets(db: D1Database, user_id: string, kind: string): Promise<void> {
  await db.prepare("DELETE FROM secrets WHERE user_id = ?1 AND kind = ?2").bind(user_id, kind).run();
}

/** All others, but for the token of a workspace that is still connected: it has to be revoked at Slack first. */
export async function deleteLeftSecrets(db: D1Database, user_id: string): Promise<void> {
  await db
    .prepare(
      `DELETE FROM secrets WHERE user_id = ?1 AND NOT (kind = 'slack' AND EXISTS (
         SELECT 1 FROM slack_workspaces AS workspace WHERE workspace.user_id = ?1 AND workspace.team_id = secrets.name))`,
    )
    .bind(user_id)
    .run();
}

async function deleteSome(db: D1Database, user_id: string, table: AccountTable): Promise<boolean> {
  const { results } = await deletionOf(db, user_id, table).all();
  return results.length > 0;
}

/** Deletes some rows of a table, and returns one for each. */
export function deletionOf(db: D1Database, user_id: string, table: AccountTable): D1PreparedStatement {
  const key = keys[table];
  return db
    .prepare(
      `DELETE FROM ${table} WHERE user_id = ?1 AND (${key}) IN (
         SELECT ${key} FROM ${table} WHERE user_id = ?1 LIMIT ${ROWS_AT_ONCE}) RETURNING 1 AS deleted`,
    )
    .bind(user_id);
}
