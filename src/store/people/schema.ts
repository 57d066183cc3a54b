// The tables of D1 that say who may do what, and who did. `../schema.ts` has the others, and the rules for all.
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { KeyKind } from "../../protocol/keys/kind.ts";
import type { PeriodCaps } from "../../protocol/money/caps.ts";
import type { Quotas } from "../../protocol/money/quotas.ts";
import type { AuditOutcome } from "../../protocol/people/audit.ts";
import type { UserRole } from "../../protocol/people/user.ts";

export const users = sqliteTable(
  "users",
  {
    user_id: text().primaryKey(),
    name: text(),
    created_at: text().notNull(),
    /** As an admin gave it, or as the last sign-in brought it. */
    email: text(),
    /** SHA-256 of the issuer and its id of the person, hex; null until the first sign-in. Stays after deletion. */
    identity: text(),
    role: text().$type<UserRole>(),
    /** Since when nothing of the user works. Null for a user who may continue. */
    disabled_at: text(),
    /** Marks a tombstone: the id is never used again. */
    deleted_at: text(),
    /** When the last look found nothing left of a deleted user. */
    purged_at: text(),
    /** An admin's caps and quotas, in place of the settings'. */
    caps: text({ mode: "json" }).$type<PeriodCaps>(),
    quotas: text({ mode: "json" }).$type<Quotas>(),
    /** An admin's, in place of RETENTION_DAYS; 0 keeps threads for ever. Null for the setting. */
    retention_days: integer(),
  },
  (table) => [
    // A sign-in brings an identity, and its user is not known yet.
    uniqueIndex("users_by_identity").on(table.identity).where(sql`identity IS NOT NULL`),
    index("users_retained").on(table.user_id).where(sql`retention_days IS NOT NULL`),
  ],
);

export const apiKeys = sqliteTable(
  "api_keys",
  {
    user_id: text().notNull(),
    key_id: text().notNull(),
    name: text(),
    /** SHA-256 of the whole key, hex. The key itself is not stored. */
    hash: text().notNull(),
    created_at: text().notNull(),
    /** The id of the key that made it (`ADMIN_KEY_ID` for the admin key); null if that is not known. */
    made_by: text(),
    /** Read through `readScopes`: null for a key without any, which may do all that its user may. */
    scopes: text({ mode: "json" }).$type<unknown>(),
    /** Null if it never expires. */
    expires_at: text(),
    /** At most an hour before its latest use. */
    last_used_at: text(),
    kind: text().$type<KeyKind>(),
    /** Of a session. Read through `readSession`. */
    details: text({ mode: "json" }).$type<unknown>(),
  },
  (table) => [
    primaryKey({ columns: [table.user_id, table.key_id] }),
    // A request brings a key, and its user is not known yet.
    uniqueIndex("api_keys_by_id").on(table.key_id),
  ],
);

/**
 * Who did what, from where and by which key. Rows are added and never changed, but for the outcome, which is set once:
 * an entry is written before the act, so that no act lacks one. Triggers in the migration refuse all else.
 */
export const auditEntries = sqliteTable(
  "audit_entries",
  {
    /** Whose account it is about; empty if that is not known, as for a sign-in that was refused. */
    user_id: text().notNull(),
    entry_id: text().notNull(),
    created_at: text().notNull(),
    /** The user who acted; null if nobody is known. */
    actor_id: text(),
    /** The key or session that acted, or `ADMIN_KEY_ID`. */
    key_id: text(),
    action: text().notNull(),
    /** The id of what it was done to, if it has one. */
    target: text(),
    /** Null until it is known: the server may have died in between. */
    outcome: text().$type<AuditOutcome>(),
    /** From where. Read through `readAuditEntry`, as is the next column. */
    source: text({ mode: "json" }).$type<unknown>().notNull(),
    details: text({ mode: "json" }).$type<unknown>().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.user_id, table.entry_id] }),
    // For an admin, who reads those of all users, and for the clock, which deletes the oldest.
    uniqueIndex("audit_entries_by_id").on(table.entry_id),
  ],
);
