// Users: who has an account, and in which state it is. The first user needs no row until something is stored of it.
import { type Result, succeed } from "../../protocol/error.ts";
import { FIRST_USER_ID } from "../../protocol/ids.ts";
import type { PeriodCaps } from "../../protocol/money/caps.ts";
import type { Quotas } from "../../protocol/money/quotas.ts";
import type { Page, PageRequest } from "../../protocol/page.ts";
import type { User, UserCounts, UserRole, UserState } from "../../protocol/people/user.ts";
import type { StoredApiKey } from "../api-keys.ts";
import { isConflict } from "../database.ts";
import { type Actor, IS_KEY, IS_LIVE, isAdmin } from "../keys/maker.ts";
import { readPosition, toPage } from "../page.ts";
import { ADMIN_KEY_ACTS } from "./admin-key.ts";

/** What the row of a first user is dated, so that lists end with it. */
const FROM_THE_START = "1970-01-01T00:00:00.000Z";

type Row = Omit<User, "state" | "created_at" | "caps" | "quotas"> & {
  created_at: string;
  purged_at: string | null;
  /** JSON. */
  caps: string | null;
  quotas: string | null;
};

const COLUMNS =
  "user_id, name, email, role, created_at, disabled_at, deleted_at, purged_at, caps, quotas, retention_days";
const EVERYBODY = `(SELECT ${COLUMNS} FROM users UNION ALL
  SELECT '${FIRST_USER_ID}', NULL, NULL, NULL, '${FROM_THE_START}', NULL, NULL, NULL, NULL, NULL, NULL
  WHERE NOT EXISTS (SELECT 1 FROM users WHERE user_id = '${FIRST_USER_ID}'))`;

const inState: Record<UserState, string> = {
  active: "disabled_at IS NULL AND deleted_at IS NULL",
  disabled: "disabled_at IS NOT NULL AND deleted_at IS NULL",
  deleting: "deleted_at IS NOT NULL AND purged_at IS NULL",
  deleted: "deleted_at IS NOT NULL AND purged_at IS NOT NULL",
};

function toUser({ purged_at, created_at, caps, quotas, ...row }: Row): User {
  const gone = purged_at === null ? "deleting" : "deleted";
  const state = row.deleted_at !== null ? gone : row.disabled_at !== null ? "disabled" : "active";
  const made = created_at === FROM_THE_START ? null : created_at;
  return { ...row, state, created_at: made, caps: caps && JSON.parse(caps), quotas: quotas && JSON.parse(quotas) };
}

/** Newest first, with deleted ones. Reads every user, for a request that only an admin makes. */
export async function listUsers(
  db: D1Database,
  request: PageRequest,
  state: UserState | null,
): Promise<Result<Page<User>>> {
  const position = readPosition(request.cursor);
  if (!position.ok) return position;
  const [created_at, user_id] = position.value ?? ["~", ""];
  const { results } = await db
    .prepare(
      `SELECT * FROM ${EVERYBODY} WHERE ${state === null ? "1" : inState[state]} AND (created_at, user_id) < (?1, ?2)
       ORDER BY created_at DESC, user_id DESC LIMIT ?3`,
    )
    .bind(created_at, user_id, request.limit + 1)
    .all<Row>();
  return succeed(toPage(results, request.limit, toUser, (row) => [row.created_at, row.user_id]));
}

const COUNTS = [
  ["api_keys", `api_keys WHERE ${IS_KEY} AND`],
  ["sessions", `api_keys WHERE ${IS_LIVE} AND kind = 'session' AND`],
  // Deleted ones leave a row.
  ["threads", "threads WHERE deleted_at IS NULL AND"],
  ...["projects", "triggers", "webhooks", "slack_workspaces"].map((table) => [table, `${table} WHERE`]),
].map(([name, from]) => `(SELECT count(*) FROM ${from} user_id = ?1) AS ${name}`);

/** Reads an index entry of each thing. */
export async function countThings(db: D1Database, user_id: string): Promise<UserCounts> {
  const counts = await db
    .prepare(`SELECT ${COUNTS.join(", ")}`)
    .bind(user_id)
    .first<UserCounts>();
  if (counts === null) throw new Error("D1 counted nothing");
  return counts;
}

/** Null if there was never such a user. */
export async function readUser(db: D1Database, user_id: string): Promise<User | null> {
  const row = await db.prepare(`SELECT * FROM ${EVERYBODY} WHERE user_id = ?1`).bind(user_id).first<Row>();
  return row && toUser(row);
}

/** What people may know of their own account. Both are null for a user without a row. */
export async function readOwnUser(db: D1Database, user_id: string): Promise<Pick<User, "name" | "retention_days">> {
  const reading = db.prepare("SELECT name, retention_days FROM users WHERE user_id = ?1").bind(user_id);
  return (await reading.first<Pick<User, "name" | "retention_days">>()) ?? { name: null, retention_days: null };
}

export type NewUser = Pick<User, "user_id" | "name" | "email" | "role" | "caps" | "quotas" | "retention_days"> & {
  created_at: string;
};

/** Which of a user's own names somebody else has. */
export type Taken = "id" | "email";

/** An address that somebody else has, who is not deleted, fails at the column that takes no null. */
const unlessTaken = (created_at: string, email: string) => `iif(${email} IS NOT NULL AND EXISTS (
  SELECT 1 FROM users AS other WHERE lower(other.email) = lower(${email}) AND other.user_id <> ?1), NULL, ${created_at})`;

function isEmailTaken(error: unknown): boolean {
  return error instanceof Error && error.message.includes("NOT NULL constraint failed: users.created_at");
}

// The id of another user in any case of its letters, if there is one, is a conflict that ends the whole batch. That of a
// deleted user is taken for ever.
const INSERT_USER = `INSERT INTO users (user_id, name, created_at, email, role, caps, quotas, retention_days) VALUES (
  coalesce((SELECT user_id FROM users WHERE lower(user_id) = lower(?1) LIMIT 1), ?1), ?2, ${unlessTaken("?3", "?4")}, ?4, ?5,
  ?6, ?7, ?8)`;

const INSERT_FIRST_KEY = `INSERT INTO api_keys (user_id, key_id, name, hash, created_at, made_by, scopes, expires_at, kind)
VALUES (iif(${isAdmin({ user_id: "?7", key_id: "?6" })}, ?1, NULL), ?2, ?3, ?4, ?5, ?6, ?8, ?9, 'key')`;

/**
 * Stores a user with a first key, both or none. Rejects if the key's maker, a key of `maker_id`, may no longer
 * administer (`whileMakerLives`). Ids of two users differ in more than case: people who read `U-Alice` in a list or a
 * log mean `u-alice`.
 */
export async function createUser(
  db: D1Database,
  user: NewUser,
  key: StoredApiKey,
  maker_id: string,
): Promise<Taken | null> {
  const { user_id, name, created_at, email, role } = user;
  const { key_id, hash, made_by, expires_at } = key;
  const scopes = key.scopes && JSON.stringify(key.scopes);
  if (user_id.toLowerCase() === FIRST_USER_ID) return "id";
  try {
    await db.batch([
      db
        .prepare(INSERT_USER)
        .bind(
          ...[user_id, name, created_at, email, role, toJson(user.caps), toJson(user.quotas)],
          user.retention_days ?? null,
        ),
      db
        .prepare(INSERT_FIRST_KEY)
        .bind(user_id, key_id, key.name, hash, key.created_at, made_by, maker_id, scopes, expires_at),
    ]);
    return null;
  } catch (error) {
    if (isEmailTaken(error)) return "email";
    if (isConflict(error)) return "id";
    throw error;
  }
}

function toJson(value: object | null | undefined): string | null {
  return value == null ? null : JSON.stringify(value);
}

export interface UserPatch {
  name?: string | null;
  email?: string | null;
  role?: UserRole | null;
  /** Null for those of the settings. */
  caps?: PeriodCaps | null;
  quotas?: Quotas | null;
  retention_days?: number | null;
  disabled?: boolean;
}

/** Who changes a user, and whether the settings let the admin key act for the first user at all. */
export interface AdminAct {
  by: Actor;
  may_act: boolean;
}

const MAKE_FIRST_ROW = `INSERT INTO users (user_id, created_at) VALUES ('${FIRST_USER_ID}', '${FROM_THE_START}')
ON CONFLICT DO NOTHING`;

/** Only an admin. Nobody shuts the first user out while the admin key acts for it. */
const guardOf = (user_id: string, { may_act }: AdminAct, by: Actor, isShutOut: boolean) =>
  `${isAdmin(by)} AND ${isShutOut && user_id === FIRST_USER_ID && may_act ? `NOT ${ADMIN_KEY_ACTS}` : "1"}`;

// What a demoted user's keys and sessions may do as admins ends with the role. Sessions without a list may do all that
// the user may.
const dropAdminScope = (guard: string) => `
UPDATE api_keys SET scopes = iif(kind = 'session', NULL, (
  SELECT json_group_array(value) FROM json_each(api_keys.scopes) WHERE value <> 'admin'))
WHERE user_id = ?1 AND EXISTS (SELECT 1 FROM json_each(api_keys.scopes) WHERE value = 'admin')
  AND EXISTS (SELECT 1 FROM users WHERE user_id = ?1 AND role IS NOT NULL AND deleted_at IS NULL) AND ${guard}`;

/**
 * Null if there is no such user, if it is deleted, if whoever asks is no admin any more, or if the admin key acts for the
 * user and it would be shut out.
 */
export async function updateUser(
  db: D1Database,
  user_id: string,
  patch: UserPatch,
  act: AdminAct,
  now: number,
): Promise<User | "email" | null> {
  const by = { user_id: "?2", key_id: "?3" };
  const guard = guardOf(user_id, act, by, patch.disabled === true || patch.role === null);
  const first = [user_id, act.by.user_id, act.by.key_id];
  const values: (string | number | null)[] = [...first];
  const at = (value: string | number | null) => `?${values.push(value)}`;
  const sets = [
    ...(patch.name === undefined ? [] : [`name = ${at(patch.name)}`]),
    ...(patch.role === undefined ? [] : [`role = ${at(patch.role)}`]),
    ...(patch.caps === undefined ? [] : [`caps = ${at(toJson(patch.caps))}`]),
    ...(patch.quotas === undefined ? [] : [`quotas = ${at(toJson(patch.quotas))}`]),
    ...(patch.retention_days === undefined ? [] : [`retention_days = ${at(patch.retention_days)}`]),
    ...(patch.disabled === true ? [`disabled_at = coalesce(disabled_at, ${at(new Date(now).toISOString())})`] : []),
    ...(patch.disabled === false ? ["disabled_at = NULL"] : []),
  ];
  if (patch.email !== undefined) {
    const email = at(patch.email);
    sets.push(`email = ${email}`, `created_at = ${unlessTaken("created_at", email)}`);
  }
  const update = `UPDATE users SET ${sets.join(", ")} WHERE user_id = ?1 AND deleted_at IS NULL AND ${guard} RETURNING ${COLUMNS}`;
  const statements = [
    ...(user_id === FIRST_USER_ID ? [db.prepare(MAKE_FIRST_ROW)] : []),
    ...(patch.role === null ? [db.prepare(dropAdminScope(guard)).bind(...first)] : []),
    db.prepare(update).bind(...values),
  ];
  try {
    const [row] = (await db.batch<Row>(statements)).at(-1)?.results ?? [];
    return row ? toUser(row) : null;
  } catch (error) {
    if (isEmailTaken(error)) return "email";
    throw error;
  }
}

const markDeleted = (
  guard: string,
) => `UPDATE users SET deleted_at = coalesce(deleted_at, ?2), name = NULL, email = NULL, role = NULL,
  identity = coalesce(identity, iif(EXISTS (SELECT 1 FROM users AS former WHERE former.identity = ?3), NULL, ?3)) WHERE user_id = ?1 AND ${guard} RETURNING ${COLUMNS}`;
const IS_MARKED = "EXISTS (SELECT 1 FROM users WHERE users.user_id = ?1 AND users.deleted_at IS NOT NULL)";
const DROP_KEYS = `DELETE FROM api_keys WHERE user_id = ?1 AND ${IS_LIVE} AND ${IS_MARKED}`;
const DROP_TICKETS = `DELETE FROM tickets WHERE user_id = ?1 AND ${IS_MARKED}`;

/**
 * Marks the user as deleted, and ends all keys, sessions and tickets in the same moment. What else there is of the user
 * is deleted afterwards. The tombstone keeps the id, which is never given again, and the identity, so that its person stays
 * out; without one, the `mark` of its email. May be repeated. Null if there is no such user, if whoever asks is no admin
 * any more, or if the admin key acts for the user.
 */
export async function deleteUser(
  db: D1Database,
  user_id: string,
  act: AdminAct,
  now: number,
  mark: string | null = null,
): Promise<User | null> {
  const guard = guardOf(user_id, act, { user_id: "?4", key_id: "?5" }, true);
  const results = await db.batch<Row>([
    ...(user_id === FIRST_USER_ID ? [db.prepare(MAKE_FIRST_ROW)] : []),
    db.prepare(markDeleted(guard)).bind(user_id, new Date(now).toISOString(), mark, act.by.user_id, act.by.key_id),
    db.prepare(DROP_KEYS).bind(user_id),
    db.prepare(DROP_TICKETS).bind(user_id),
  ]);
  const [row] = results.at(-3)?.results ?? [];
  return row ? toUser(row) : null;
}
