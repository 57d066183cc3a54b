// What a key made, and what the keys that it made have made in turn. Keys may be deleted: their rows stay findable.
import { DELETED_PREFIX, IS_KEY, isOpenTo, MAKERS, REVOKED_AT } from "./maker.ts";

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

type Row = Record<string, string | number | null | undefined>;

const IS_OPEN = `(expires_at > ?3 OR expires_at = '${REVOKED_AT}')`;

/** One statement each: D1 joins at most five by UNION. */
const selects = [
  `'api_key' AS type, key_id AS id, name, expires_at FROM api_keys WHERE ${IS_KEY} AND`,
  "'trigger' AS type, trigger_id AS id, project_id, substr(prompt, 1, 200) AS name, enabled FROM triggers WHERE",
  "'webhook' AS type, webhook_id AS id, substr(url, 1, 200) AS name, enabled FROM webhooks WHERE",
  `'preview' AS type, port AS id, project_id, expires_at FROM previews WHERE ${IS_OPEN} AND`,
  `'ssh_access' AS type, project_id AS id, project_id, expires_at FROM ssh_accesses WHERE ${IS_OPEN} AND`,
  "'slack_workspace' AS type, team_id AS id, project_id, team_name AS name FROM slack_workspaces WHERE",
];

const ORDER = `ORDER BY created_at DESC LIMIT ${MAX_MADE}`;
const list = (made: string) => (select: string) =>
  `SELECT created_at, made_by, ${select} user_id = ?1 AND ${made} ${ORDER}`;
const LIST_UNKNOWN = selects.map(list("made_by IS NULL"));
const LIST_MADE = selects.map((select) => {
  const makers = "SELECT id FROM makers";
  return `${MAKERS} ${list(select.includes("triggers") ? isOpenTo(makers) : `made_by IN (${makers})`)(select)}`;
});

/** Newest first. A link or an SSH access that has expired opens nothing, and is left out. */
export async function listMade(db: D1Database, user_id: string, maker: string, now: number): Promise<MadeThing[]> {
  const values = [user_id, maker, new Date(now).toISOString()];
  // D1 refuses values that a statement does not name.
  const bind = (query: string) =>
    db.prepare(query).bind(...values.slice(0, /[?]3/.test(query) ? 3 : /[?]2/.test(query) ? 2 : 1));
  const queries = maker === UNKNOWN_MAKER ? LIST_UNKNOWN : LIST_MADE;
  const found = await db.batch<Row>(queries.map(bind));
  return found
    .flatMap(({ results }) => results.map(toThing))
    .sort((one, other) => (one.created_at < other.created_at ? 1 : one.created_at > other.created_at ? -1 : 0))
    .slice(0, MAX_MADE);
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
  const isPending = expires_at === REVOKED_AT;
  return {
    type: type as MadeThing["type"],
    id: String(id),
    ...(project_id != null && { project_id: String(project_id) }),
    ...(name != null && { name: String(name) }),
    ...(enabled != null && { enabled: enabled === 1 }),
    ...(isPending && { pending: true as const }),
    created_at: String(created_at),
    ...(expires_at != null && !isPending && { expires_at: String(expires_at) }),
    made_by: made_by == null ? null : String(made_by),
  };
}
