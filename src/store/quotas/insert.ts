// Inserts a row only while its user has room for it, in one statement.
import { getTableColumns, is, SQL, sql } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import { type CountedName, hasRoom } from "./held.ts";

/** What became of a new row: `taken` if its id is, `full` if a quota is used up. */
export type Made = "made" | "taken" | "full";

/** The same as `hasRoom` for drizzle; `user_id` is a value. */
export function roomFor(user_id: string, name: CountedName, usual?: number): SQL {
  const parts = hasRoom(name, usual)
    .split("?1")
    .map((part) => sql.raw(part));
  return sql.join(parts, sql`${user_id}`);
}

/** For `insert(table).select(…)`: the row, or none unless the condition holds. */
export function rowWhere<Table extends SQLiteTable>(
  table: Table,
  row: { [Name in keyof Table["$inferInsert"]]?: Table["$inferInsert"][Name] | SQL },
  condition: SQL,
): SQL {
  const values = Object.entries(getTableColumns(table)).map(([name, column]) => {
    const value: unknown = row[name as keyof typeof row];
    if (is(value, SQL)) return value;
    return value === undefined || value === null ? sql`NULL` : sql`${sql.param(value, column)}`;
  });
  return sql`SELECT ${sql.join(values, sql`, `)} WHERE ${condition}`;
}
