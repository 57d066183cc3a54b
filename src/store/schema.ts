// The tables of D1. Those of projects, of people and keys, and of caps and quotas are in `projects/schema.ts`,
// `people/schema.ts` and `budgets/schema.ts`.
// Every primary key but that of budgets begins with the user, so ids of two users never collide and one user's rows are
// adjacent. `npm run migrations` generates `migrations/` from these files.
// Drizzle can't express WITHOUT ROWID, so it is added to each generated CREATE TABLE by hand: the key is then the table
// itself, and an insert is billed as one row instead of two. Indexes are few and partial, because every index row is
// billed too. Large columns come last: a scan that needs the others never reads their overflow pages.
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { MessageType } from "../protocol/message.ts";
import type { RunStatus } from "../protocol/run.ts";
import type { SecretKind } from "../protocol/secret.ts";
import type { TriggerDeliveryStatus, TriggerSettings, TriggerType } from "../protocol/trigger.ts";
import type {
  DeliveryEvent,
  DeliveryStatus,
  DeliveryTry,
  PingPayload,
  WebhookEvent,
  WebhookPayload,
} from "../protocol/webhook.ts";

/** What the deployment remembers of how it began (`deployment.ts`). */
export const deployment = sqliteTable("deployment", {
  name: text().notNull().primaryKey(),
  value: text().notNull(),
});

export const threads = sqliteTable(
  "threads",
  {
    user_id: text().notNull(),
    thread_id: text().notNull(),
    project_id: text().notNull(),
    agent_id: text().notNull(),
    version: integer().notNull(),
    created_at: text().notNull(),
    updated_at: text().notNull(),
    /** Marks a tombstone: nothing of this thread is ever written again. */
    deleted_at: text(),
    title: text(),
    metadata: text({ mode: "json" }).$type<Record<string, unknown>>().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.user_id, table.thread_id] }),
    index("threads_by_creation").on(table.user_id, table.created_at, table.thread_id).where(sql`deleted_at IS NULL`),
  ],
);

export const agents = sqliteTable(
  "agents",
  {
    user_id: text().notNull(),
    agent_id: text().notNull(),
    name: text().notNull(),
    version: integer().notNull(),
    created_at: text().notNull(),
    updated_at: text().notNull(),
    /** Read through `toAgentConfig`. */
    config: text({ mode: "json" }).$type<unknown>().notNull(),
    /** The version that new runs start with; null means the newest. */
    pinned_version: integer(),
  },
  (table) => [primaryKey({ columns: [table.user_id, table.agent_id] })],
);

export const agentVersions = sqliteTable(
  "agent_versions",
  {
    user_id: text().notNull(),
    agent_id: text().notNull(),
    version: integer().notNull(),
    name: text().notNull(),
    created_at: text().notNull(),
    /** Read through `toAgentConfig`. */
    config: text({ mode: "json" }).$type<unknown>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.user_id, table.agent_id, table.version] })],
);

export const runs = sqliteTable(
  "runs",
  {
    user_id: text().notNull(),
    thread_id: text().notNull(),
    invocation_id: text().notNull(),
    status: text().$type<RunStatus>().notNull(),
    version: integer().notNull(),
    created_at: text().notNull(),
    /** When D1 last had news of the run: for the sweeper, not a fact of the run. */
    updated_at: text().notNull(),
    /** JSON. */
    run: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.user_id, table.thread_id, table.invocation_id] }),
    // Usage is read by time over all threads.
    index("runs_by_creation").on(table.user_id, table.created_at),
    index("runs_by_thread").on(table.user_id, table.thread_id, table.created_at, table.invocation_id),
    index("runs_live").on(table.updated_at).where(sql`status IN ('queued', 'running')`),
    // Metrics count them by code. Only a run that fails pays for it.
    index("runs_failed").on(table.updated_at).where(sql`status = 'failed'`),
  ],
);

export const messages = sqliteTable(
  "messages",
  {
    user_id: text().notNull(),
    thread_id: text().notNull(),
    seq: integer().notNull(),
    message_id: text().notNull(),
    project_id: text().notNull(),
    invocation_id: text(),
    agent_id: text(),
    type: text().$type<MessageType>().notNull(),
    is_llm_message: integer({ mode: "boolean" }).notNull(),
    version: integer().notNull(),
    created_at: text().notNull(),
    /** Bytes of content and metadata together, so that a page can be limited before its contents are read. */
    size: integer().notNull(),
    /** JSON; null if it is split into `message_parts`, like the next column. */
    metadata: text(),
    content: text(),
    /** JSON of what a superseded message was, and by what (`store/shapes/superseded`); null for all others. */
    superseded: text(),
  },
  (table) => [primaryKey({ columns: [table.user_id, table.thread_id, table.seq] })],
);

/** Slices of JSON too large for one row. Slices whose version differs from the message's belong to an older write. */
export const messageParts = sqliteTable(
  "message_parts",
  {
    user_id: text().notNull(),
    thread_id: text().notNull(),
    seq: integer().notNull(),
    field: text().$type<"content" | "metadata">().notNull(),
    part: integer().notNull(),
    version: integer().notNull(),
    text: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.user_id, table.thread_id, table.seq, table.field, table.part] })],
);

/** Credentials, encrypted. `name` is the host, trigger, webhook or workspace that one belongs to. */
export const secrets = sqliteTable(
  "secrets",
  {
    user_id: text().notNull(),
    kind: text().$type<SecretKind>().notNull(),
    name: text().notNull(),
    /** Bound to the ciphertext as additional data: a row's secret can be decrypted only in that row. */
    secret_id: text().notNull(),
    /** The server's key that encrypted it. */
    key_id: text().notNull(),
    created_at: text().notNull(),
    updated_at: text().notNull(),
    /** AES-GCM: 12 bytes of nonce, then the ciphertext with its tag; base64. */
    sealed: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.user_id, table.kind, table.name] })],
);

/** Triggers start runs: incoming webhooks and schedules. Their secrets are in `secrets`. */
export const triggers = sqliteTable(
  "triggers",
  {
    user_id: text().notNull(),
    trigger_id: text().notNull(),
    type: text().$type<TriggerType>().notNull(),
    agent_id: text(),
    project_id: text(),
    /** `new`, `per_key`, or the id of one thread. */
    thread: text().notNull(),
    enabled: integer({ mode: "boolean" }).notNull(),
    /** When a schedule is due next; null for webhooks and for schedules that are paused or over. */
    next_at: text(),
    last_fired_at: text(),
    /** Its newest run, which shows whether two due times overlap. */
    last_thread_id: text(),
    last_invocation_id: text(),
    created_at: text().notNull(),
    updated_at: text().notNull(),
    settings: text({ mode: "json" }).$type<TriggerSettings>().notNull(),
    prompt: text().notNull(),
    /** The id of the key that made it (`ADMIN_KEY_ID` for the admin key); null if that is not known. */
    made_by: text(),
  },
  (table) => [
    primaryKey({ columns: [table.user_id, table.trigger_id] }),
    // The sender of a delivery brings no user.
    uniqueIndex("triggers_by_id").on(table.trigger_id),
    index("triggers_due").on(table.next_at).where(sql`next_at IS NOT NULL`),
  ],
);

/** Deliveries to a trigger and their outcome. One row per delivery, however often it is sent. */
export const triggerDeliveries = sqliteTable(
  "trigger_deliveries",
  {
    user_id: text().notNull(),
    trigger_id: text().notNull(),
    created_at: text().notNull(),
    delivery_id: text().notNull(),
    status: text().$type<TriggerDeliveryStatus>().notNull(),
    /** Why it was refused or skipped, for people. */
    reason: text(),
    /** The sender's id of the delivery, or the due time. */
    source_id: text(),
    thread_id: text(),
    invocation_id: text(),
    /** Of one that came to a full quota: when it is first tried again. Else null. */
    retry_at: text(),
  },
  (table) => [
    primaryKey({ columns: [table.user_id, table.trigger_id, table.created_at, table.delivery_id] }),
    index("trigger_deliveries_waiting").on(table.created_at, table.retry_at).where(sql`status = 'waiting'`),
  ],
);

/** The addresses that a user's events are sent to. The secret that signs them is in `secrets`. */
export const webhooks = sqliteTable(
  "webhooks",
  {
    user_id: text().notNull(),
    webhook_id: text().notNull(),
    enabled: integer({ mode: "boolean" }).notNull(),
    created_at: text().notNull(),
    updated_at: text().notNull(),
    /** The time of the first failure since the last success; null after a success. */
    failing_since: text(),
    /** When and why the server disabled it; the reason is for people. */
    disabled_at: text(),
    disabled_reason: text(),
    events: text({ mode: "json" }).$type<WebhookEvent[]>().notNull(),
    url: text().notNull(),
    /** The id of the key that made it (`ADMIN_KEY_ID` for the admin key); null if that is not known. */
    made_by: text(),
    /** Since when its receiver owes an answer to a signed ping; null once it has answered. */
    unverified_since: text(),
    /** The minute, counted since 1970, in which deliveries were last sent, and how many were sent in it. */
    sent_minute: integer(),
    sent_count: integer(),
  },
  (table) => [primaryKey({ columns: [table.user_id, table.webhook_id] })],
);

/** One event for one webhook: its payload, its next try and the outcome of each try. */
export const deliveries = sqliteTable(
  "deliveries",
  {
    user_id: text().notNull(),
    webhook_id: text().notNull(),
    delivery_id: text().notNull(),
    event: text().$type<DeliveryEvent>().notNull(),
    status: text().$type<DeliveryStatus>().notNull(),
    /** Tries since the delivery began or was replayed. */
    attempts: integer().notNull(),
    /** Null once the delivery has ended. */
    next_attempt_at: text(),
    created_at: text().notNull(),
    finished_at: text(),
    payload: text({ mode: "json" }).$type<WebhookPayload | PingPayload>().notNull(),
    /** The newest tries, oldest first. */
    tries: text({ mode: "json" }).$type<DeliveryTry[]>().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.user_id, table.webhook_id, table.delivery_id] }),
    index("deliveries_due").on(table.next_attempt_at).where(sql`next_attempt_at IS NOT NULL`),
  ],
);

/** Slack workspaces where the app is installed, and the accounts they use. The bot's token is in `secrets`. */
export const slackWorkspaces = sqliteTable(
  "slack_workspaces",
  {
    user_id: text().notNull(),
    team_id: text().notNull(),
    team_name: text(),
    /** The bot's own user in the workspace: its own messages are not answered. */
    bot_user_id: text().notNull(),
    agent_id: text(),
    project_id: text(),
    created_at: text().notNull(),
    updated_at: text().notNull(),
    /** The id of the key that made it (`ADMIN_KEY_ID` for the admin key); null if that is not known. */
    made_by: text(),
  },
  (table) => [
    primaryKey({ columns: [table.user_id, table.team_id] }),
    // An event brings a workspace and no user.
    uniqueIndex("slack_workspaces_by_id").on(table.team_id),
  ],
);
