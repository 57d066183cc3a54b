// Sessions: rows of `api_keys` of this kind. One that somebody ends leaves what a deleted key leaves, and so does one that
// expires: a run that it started may still make a link.
import { and, eq, type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { firstIdAt, newId } from "../../protocol/ids.ts";
import type { Scope } from "../../protocol/keys/scope.ts";
import type { SessionView } from "../../protocol/people/session.ts";
import { open } from "../database.ts";
import { DELETED_PREFIX, IS_LIVE, KEY_ID, ownerOfLive } from "../keys/maker.ts";
import { DELETE_TRACES, HAS_MADE, leaveTrace, TRACE_KEPT_MS } from "../keys/traces.ts";
import { apiKeys } from "./schema.ts";

/** A person has a few devices, and forgets to sign out on some. The oldest session ends when one more begins. */
export const MAX_SESSIONS = 20;

/** What a sweep ends or deletes: as many people as sign in within an hour, and a backlog in a day. */
const SWEPT_AT_ONCE = 200;

const words = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));
const text = z.string().nullable().catch(null);

const details = z.object({
  /** SHA-256 of what all tokens of the session share, hex. */
  root_hash: z.string(),
  /** SHA-256 of the token before the present one, hex. */
  former_hash: text,
  /** Makes the present token of the former one, until the browser has sent the present one. */
  salt: text,
  rotated_at: z.string(),
  /** When the browser first sent the present token; null if it has not yet. */
  seen_at: text,
  user_agent: text,
  address: text,
  /** What the sign-in wrote down for the sign-out. */
  sign_in: words.catch({}),
});

export type SessionDetails = z.infer<typeof details>;

/** Null for a row of another kind, or in a form that is not known here: such a session holds for nobody. */
export function readSession(stored: unknown): SessionDetails | null {
  const read = details.safeParse(stored);
  return read.success ? read.data : null;
}

export interface NewSessionRow {
  user_id: string;
  session_id: string;
  hash: string;
  scopes: Scope[] | null;
  expires_at: string;
  details: SessionDetails;
}

const IS_SESSION = `kind = 'session' AND ${IS_LIVE}`;
const time = (at: number) => new Date(at).toISOString();

const END_EXPIRED = `
UPDATE api_keys SET ${leaveTrace("?2")} WHERE user_id = ?1 AND ${IS_SESSION} AND expires_at <= ?2`;
/** All but the newest. Their ids begin with the time at which they were made. */
const END_OLDEST = `
UPDATE api_keys SET ${leaveTrace("?2")} WHERE user_id = ?1 AND ${IS_SESSION} AND key_id NOT IN (
  SELECT key_id FROM api_keys WHERE user_id = ?1 AND ${IS_SESSION} ORDER BY key_id DESC LIMIT ${MAX_SESSIONS})`;

export function newSessionId(now: number): string {
  return newId("sess", now);
}

/** Also ends the user's expired sessions, and ends the oldest of too many. Rejects for a user who may not come in. */
export async function createSession(db: D1Database, session: NewSessionRow, now: number): Promise<void> {
  const { user_id, session_id, ...row } = session;
  const database = open(db);
  const insert = database.insert(apiKeys).values({
    ...row,
    scopes: row.scopes?.includes("admin") ? onlyForAdmins(user_id, row.scopes) : row.scopes,
    user_id: ownerOfLive(user_id, null),
    key_id: session_id,
    kind: "session",
    created_at: time(now),
    last_used_at: time(now),
  });
  const { sql: query, params } = insert.toSQL();
  await db.batch([
    db.prepare(END_EXPIRED).bind(user_id, time(now)),
    db.prepare(query).bind(...params),
    db.prepare(END_OLDEST).bind(user_id, time(now)),
    db.prepare(DELETE_TRACES).bind(user_id, time(now - TRACE_KEPT_MS)),
  ]);
}

/** The user may have lost the role since the sign-in read it. */
function onlyForAdmins(user_id: string, scopes: Scope[]): SQL {
  const isAdmin = sql`EXISTS (SELECT 1 FROM users WHERE users.user_id = ${user_id} AND users.role = 'admin')`;
  return sql`iif(${isAdmin}, ${JSON.stringify(scopes)}, NULL)`;
}

/** Newest first; at most `MAX_SESSIONS`. */
export async function listSessions(db: D1Database, user_id: string, now: number): Promise<SessionView[]> {
  const rows = await open(db)
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.user_id, user_id), sql.raw(IS_SESSION), sql`${apiKeys.expires_at} > ${time(now)}`))
    .orderBy(sql`${apiKeys.key_id} DESC`)
    .limit(MAX_SESSIONS);
  return rows.map((row) => {
    const { user_agent = null, address = null } = readSession(row.details) ?? {};
    const { key_id: session_id, created_at, expires_at, last_used_at } = row;
    return { session_id, created_at, expires_at: expires_at ?? "", last_used_at, user_agent, address };
  });
}

/** False if the user has no such session. */
export async function endSession(db: D1Database, user_id: string, session_id: string, now: number): Promise<boolean> {
  const query = `UPDATE api_keys SET ${leaveTrace("?3")} WHERE user_id = ?1 AND key_id = ?2 AND ${IS_SESSION} RETURNING 1`;
  return (await db.prepare(query).bind(user_id, session_id, time(now)).first()) !== null;
}

/** Ends all sessions of the user but one, if one is named. Returns their ids. */
export async function endSessions(
  db: D1Database,
  user_id: string,
  now = Date.now(),
  except: string | null = null,
): Promise<string[]> {
  const query = `UPDATE api_keys SET ${leaveTrace("?2")}
    WHERE user_id = ?1 AND ${IS_SESSION} AND key_id IS NOT ?3 RETURNING ${KEY_ID} AS session_id`;
  const ended = await db.prepare(query).bind(user_id, time(now), except).all<{ session_id: string }>();
  return ended.results.map(({ session_id }) => session_id);
}

export interface Rotation {
  session_id: string;
  /** Of the token that is replaced. */
  hash: string;
  next_hash: string;
  salt: string;
}

/** False if the token was replaced already: of several isolates that try at once, one succeeds. */
export async function rotateSession(db: D1Database, rotation: Rotation, now: number): Promise<boolean> {
  const query = `UPDATE api_keys SET hash = ?3, details = json_set(details,
      '$.former_hash', ?2, '$.salt', ?4, '$.rotated_at', ?5, '$.seen_at', NULL)
    WHERE key_id = ?1 AND hash = ?2 AND ${IS_SESSION} RETURNING 1`;
  const { session_id, hash, next_hash, salt } = rotation;
  return (await db.prepare(query).bind(session_id, hash, next_hash, salt, time(now)).first()) !== null;
}

/** Notes that the browser has the token. Does nothing if that is known, or if it was replaced. */
export async function noteSeen(db: D1Database, session_id: string, hash: string, now: number): Promise<void> {
  const query = `UPDATE api_keys SET details = json_set(details, '$.seen_at', ?3, '$.salt', NULL)
    WHERE key_id = ?1 AND hash = ?2 AND ${IS_SESSION} AND json_extract(details, '$.seen_at') IS NULL`;
  await db.prepare(query).bind(session_id, hash, time(now)).run();
}

// By the index of ids, so that no other row is read than those of sessions.
const EXPIRED = `SELECT key_id FROM api_keys WHERE key_id >= 'sess_' AND key_id < 'sess_~' AND ${IS_SESSION} AND expires_at <= ?1`;
const END_ALL_EXPIRED = `
UPDATE api_keys SET ${leaveTrace("?1")} WHERE key_id IN (${EXPIRED} LIMIT ${SWEPT_AT_ONCE})`;
/** Those that ended before ?1, so that their ids, which begin with the time of the sign-in, are below ?2. */
const OLD_TRACES = `SELECT key_id FROM api_keys WHERE key_id >= '${DELETED_PREFIX}sess_' AND key_id < '${DELETED_PREFIX}' || ?2
  AND created_at < ?1 AND NOT ${HAS_MADE}`;

/** Ends sessions of all users that have expired, and deletes old traces of sessions. */
export async function deleteExpiredSessions(db: D1Database, now: number): Promise<void> {
  const before = now - TRACE_KEPT_MS;
  await db.batch([
    db.prepare(END_ALL_EXPIRED).bind(time(now)),
    db
      .prepare(`DELETE FROM api_keys WHERE key_id IN (${OLD_TRACES} LIMIT ${SWEPT_AT_ONCE})`)
      .bind(time(before), firstIdAt("sess", before)),
  ]);
}
