// The tables of D1 that keep projects and the ways into their sandboxes. `../schema.ts` has the rules for all tables.
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { Caps } from "../../protocol/money/caps.ts";
import type { GitSource, SandboxSettings } from "../../protocol/project.ts";
import type { Delivery } from "../../protocol/sandbox/secret.ts";

export const projects = sqliteTable(
  "projects",
  {
    user_id: text().notNull(),
    project_id: text().notNull(),
    name: text().notNull(),
    created_at: text().notNull(),
    updated_at: text().notNull(),
    git: text({ mode: "json" }).$type<GitSource>(),
    sandbox: text({ mode: "json" }).$type<SandboxSettings>(),
    /** For all its runs together. */
    caps: text({ mode: "json" }).$type<Caps>(),
    /** After how many days without activity its threads are deleted; null for what holds for the user. */
    retention_days: integer(),
  },
  (table) => [
    primaryKey({ columns: [table.user_id, table.project_id] }),
    index("projects_by_creation").on(table.user_id, table.created_at, table.project_id),
    index("projects_retained").on(table.user_id).where(sql`retention_days IS NOT NULL`),
  ],
);

/** Preview links to ports of a project's sandbox, one per port. */
export const previews = sqliteTable(
  "previews",
  {
    user_id: text().notNull(),
    project_id: text().notNull(),
    port: integer().notNull(),
    /** Part of the link's host name; for the provider's links, the token that revokes them. Opens only this port. */
    token: text().notNull(),
    url: text().notNull(),
    created_at: text().notNull(),
    expires_at: text().notNull(),
    /** The id of the key that made it (`ADMIN_KEY_ID` for the admin key); null if that is not known. */
    made_by: text(),
  },
  (table) => [
    primaryKey({ columns: [table.user_id, table.project_id, table.port] }),
    // A visitor brings a token and no user.
    uniqueIndex("previews_by_token").on(table.token),
  ],
);

/** SSH access to a project's sandbox. A project has one at most: opening another ends the one before. */
export const sshAccesses = sqliteTable(
  "ssh_accesses",
  {
    user_id: text().notNull(),
    project_id: text().notNull(),
    created_at: text().notNull(),
    expires_at: text().notNull(),
    /** The id of the key that made it (`ADMIN_KEY_ID` for the admin key); null if that is not known. */
    made_by: text(),
  },
  (table) => [primaryKey({ columns: [table.user_id, table.project_id] })],
);

/** Secrets of projects' sandboxes, without their values, which are in `secrets`. */
export const sandboxSecrets = sqliteTable(
  "sandbox_secrets",
  {
    user_id: text().notNull(),
    project_id: text().notNull(),
    /** Distinguishes the project from a deleted one with the same id, whose secrets the provider may still have. */
    project_created_at: text().notNull(),
    name: text().notNull(),
    hosts: text({ mode: "json" }).$type<string[]>().notNull(),
    delivered: text().$type<Delivery>().notNull(),
    /** The version of the value: its `secret_id` in `secrets`. */
    secret_id: text().notNull(),
    bytes: integer().notNull(),
    created_at: text().notNull(),
    updated_at: text().notNull(),
    /** Whether the provider may have it. Set before the provider is asked to keep it. */
    is_kept: integer({ mode: "boolean" }).notNull(),
    /** The version that the provider has; null if none is known. */
    kept_id: text(),
    /** A deleted one that the provider may still have; null while it counts. */
    deleted_at: text(),
  },
  (table) => [
    primaryKey({ columns: [table.user_id, table.project_id, table.project_created_at, table.name] }),
    index("sandbox_secrets_deleted").on(table.deleted_at).where(sql`deleted_at IS NOT NULL`),
  ],
);

/** One-use tickets for clients that can't send a key, such as a browser's WebSocket. Deleted when used. */
export const tickets = sqliteTable(
  "tickets",
  {
    user_id: text().notNull(),
    /** SHA-256 of the ticket, hex. */
    hash: text().notNull(),
    project_id: text().notNull(),
    expires_at: text().notNull(),
    /** What the ticket opens, as its route stored it. */
    details: text({ mode: "json" }).$type<Record<string, unknown>>().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.user_id, table.hash] }),
    // The bearer of a ticket brings no user.
    uniqueIndex("tickets_by_hash").on(table.hash),
  ],
);
