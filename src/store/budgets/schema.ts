// The tables of D1 that keep what may be spent and held. `../schema.ts` has the rules for all tables.
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * What is granted of a scope's caps in a period: spent, or leased to a run. Triggers in the migration keep it equal to
 * the sum of its leases plus what was spent before the first one.
 */
export const budgets = sqliteTable(
  "budgets",
  {
    scope: text().notNull(),
    /** The user's or project's id; empty for the deployment. A project's is `user_id/project_id`. */
    id: text().notNull(),
    /** `2026-11-28`, `2026-11` or `all`. */
    period: text().notNull(),
    /** In nanodollars. */
    cost: integer().notNull(),
    tokens: integer().notNull(),
    ms: integer().notNull(),
    /** Of it what open leases have not given back yet. */
    open_cost: integer().notNull(),
    open_tokens: integer().notNull(),
    open_ms: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.scope, table.id, table.period] }),
    // For the clock, which deletes those of long ago.
    index("budgets_by_period").on(table.period),
  ],
);

/** What a run may spend, one row for each scope and period that it counts for. */
export const leases = sqliteTable(
  "leases",
  {
    user_id: text().notNull(),
    thread_id: text().notNull(),
    lease_id: text().notNull(),
    scope: text().notNull(),
    period: text().notNull(),
    /** As in `budgets`. */
    id: text().notNull(),
    invocation_id: text().notNull(),
    granted_at: text().notNull(),
    /** Null while the run may spend it. Then the amounts are what it has spent. */
    closed_at: text(),
    cost: integer().notNull(),
    tokens: integer().notNull(),
    ms: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.user_id, table.thread_id, table.lease_id, table.scope, table.period] }),
    // For the sweep, which asks the objects of leases that stay open, and deletes those closed long ago.
    index("leases_by_time").on(table.closed_at, table.granted_at),
  ],
);

/** The sandboxes that a user has, so that a quota of them is exact. */
export const sandboxes = sqliteTable(
  "sandboxes",
  {
    user_id: text().notNull(),
    project_id: text().notNull(),
    created_at: text().notNull(),
    /** Cores and GiB; null where the provider's own size is used. */
    cpu: integer(),
    memory: integer(),
    disk: integer(),
    /** The provider's own id of it; null until one is known. */
    sandbox_id: text(),
    /** Up to when its hours are counted; null while it is not known to run. */
    running_at: text(),
  },
  (table) => [
    primaryKey({ columns: [table.user_id, table.project_id] }),
    // For the clock, which looks whether they still run.
    index("sandboxes_running").on(table.running_at).where(sql`running_at IS NOT NULL`),
  ],
);

/** What users have used of the quotas that are counted over a day. A new day takes the row of the former one. */
export const quota_uses = sqliteTable(
  "quota_uses",
  {
    user_id: text().notNull(),
    /** Of the quota. */
    name: text().notNull(),
    period: text().notNull(),
    used: real().notNull(),
  },
  (table) => [primaryKey({ columns: [table.user_id, table.name] })],
);
