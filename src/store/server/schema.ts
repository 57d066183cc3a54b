// The tables of D1 that no feature owns: what the clock remembers, and what is kept of threads that are gone.
// `../schema.ts` has the rules for all tables.
import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Of the deployment and of no user: one row a name. */
export const serverState = sqliteTable("server_state", {
  name: text().primaryKey(),
  /** JSON, read through the shape of its name. */
  value: text().notNull(),
});

/** What the runs of deleted threads used, by the day on which each was made, so that sums of usage keep it. */
export const usageDays = sqliteTable(
  "usage_days",
  {
    user_id: text().notNull(),
    /** `2026-11-28`. */
    date: text().notNull(),
    project_id: text().notNull(),
    runs: integer().notNull(),
    input_tokens: integer().notNull(),
    cached_input_tokens: integer().notNull(),
    output_tokens: integer().notNull(),
    /** Nanodollars; null if no cost is known. */
    cost: integer(),
    /** Null where nothing was estimated. */
    estimated_calls: integer(),
    estimated_input: integer(),
    estimated_output: integer(),
    estimated_cost: integer(),
  },
  (table) => [primaryKey({ columns: [table.user_id, table.date, table.project_id] })],
);
