// What a key made, and what the keys that it made have made in turn. Keys may be deleted: their rows stay findable.
import { DELETED_PREFIX, IS_KEY, MAKERS, REVOKED_AT } from "./maker.ts";

/** More than a person reads. Revoking has no such bound. */
export const MAX_MADE = 1_000;

/** In place of a key's id: what has no known maker. */
export const UNKNOWN_MAKER = "unknown";

export const madeTypes = ["api_key", "trigger", "webhook", "preview", "ssh_access", "slack_workspace"] as const;

export interface MadeThing {
  type: (typeof madeTypes)[number];
  id: string;
  project_id?: string;
  name?: string;
  enabled?: boolean;
  /** It is revoked, and the sandbox provider has not confirmed it yet. */
  pending?: true;
  created_at: string;
  expires_at?: string;
  made_by: string | null;
}

type Row = Record<string, string | number | null>;

function select(made: string): string {
  const thing = (type: string, columns: string, table: string, more = "") =>
    `SELECT '${type}' AS type, ${columns}, made_by FROM ${table} WHERE user_id = ?1 AND ${made} ${more}`;
  const isOpen = `AND (expires_at > ?3 OR expires_at = '${REVOKED_AT}')`;
  return [
    thing(
      "api_key",
      "key_id AS id, NULL AS project_id, name, NULL AS enabled, created_at, NULL AS expires_at",
      "api_keys",
      `AND ${IS_KEY}`,
    ),
    thing("trigger", "trigger_id, project_id, substr(prompt, 1, 200), enabled, created_at, NULL", "triggers"),
    thing("webhook", "webhook_id, NULL, substr(url, 1, 200), enabled, created_at, NULL", "webhooks"),
    thing("preview", "port, project_id, NULL, NULL, created_at, expires_at", "previews", isOpen),
    thing("ssh_access", "project_id, project_id, NULL, NULL, created_at, expires_at", "ssh_accesses", isOpen),
    thing("slack_workspace", "team_id, project_id, team_name, NULL, created_at, NULL", "slack_workspaces"),
  ].join("\nUNION ALL ");
}

const ORDER = `ORDER BY created_at DESC, type, id LIMIT ${MAX_MADE}`;
const LIST_UNKNOWN = `${select("made_by IS NULL")} ${ORDER}`;
const LIST_MADE = `${MAKERS} ${select("made_by IN (SELECT id FROM makers)")} ${ORDER}`;

/** Newest first. A link or an SSH access that has expired opens nothing, and is left out. */
export async function listMade(db: D1Database, user_id: string, maker: string, now: number): Promise<MadeThing[]> {
  const at = new Date(now).toISOString();
  const { results } = await db
    .prepare(maker === UNKNOWN_MAKER ? LIST_UNKNOWN : LIST_MADE)
    .bind(user_id, maker, at)
    .all<Row>();
  return results.map(toThing);
}

/** Whether the user has or had this key, as far as is still known. */
export async function isKnownKey(db: D1Database, user_id: string, key_id: string): Promise<boolean> {
  const found = await db
    .prepare("SELECT 1 FROM api_keys WHERE user_id = ?1 AND key_id IN (?2, ?3)")
    .bind(user_id, key_id, DELETED_PREFIX + key_id)
    .first();
  return found !== null;
}

function toThing({ type, id, project_id, name, enabled, created_at, expires_at, made_by }: Row): MadeThing {
  return {
    type: type as MadeThing["type"],
    id: String(id),
    ...(project_id !== null && { project_id: String(project_id) }),
    ...(name !== null && { name: String(name) }),
    ...(enabled !== null && { enabled: enabled === 1 }),
    created_at: String(created_at),
    ...(expires_at === REVOKED_AT
      ? { pending: true as const }
      : expires_at !== null && { expires_at: String(expires_at) }),
    made_by: made_by === null ? null : String(made_by),
  };
}
