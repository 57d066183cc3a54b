// What the server saw when it ran the checks of tasks: a row each, which never changes.
import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const receipts = sqliteTable(
  "receipts",
  {
    user_id: text().notNull(),
    thread_id: text().notNull(),
    /** Its place in the thread, given once by the object. */
    seq: integer().notNull(),
    receipt_id: text().notNull(),
    /** Null: a person ran it again, and no run did. */
    invocation_id: text(),
    task_id: text().notNull(),
    created_at: text().notNull(),
    /** Bytes of the content, so that a page can be limited before its contents are read. */
    size: integer().notNull(),
    /** JSON, with the ends of the output (`shorten.ts`). */
    content: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.user_id, table.thread_id, table.seq] })],
);
