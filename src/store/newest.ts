// Lists of resources, newest first, page by page, for every table with a time of creation and an id.
import { type AnyColumn, desc, type SQL, sql } from "drizzle-orm";
import { type Result, succeed } from "../protocol/error.ts";
import type { Page, PageRequest } from "../protocol/page.ts";
import { type Position, readPosition, toPage } from "./page.ts";

export interface NewestFirst {
  /** Selects what comes after the cursor; undefined at the start of the list. */
  older: SQL | undefined;
  order: [SQL, SQL];
  limit: number;
}

/** `read` selects rows with the given conditions; `positionOf` names the two columns of a row. */
export async function listNewest<Row>(
  request: PageRequest,
  [created_at, id]: [AnyColumn, AnyColumn],
  read: (list: NewestFirst) => Promise<Row[]>,
  positionOf: (row: Row) => Position,
): Promise<Result<Page<Row>>> {
  const position = readPosition(request.cursor);
  if (!position.ok) return position;
  const older = position.value ? sql`(${created_at}, ${id}) < (${position.value[0]}, ${position.value[1]})` : undefined;
  const rows = await read({ older, order: [desc(created_at), desc(id)], limit: request.limit + 1 });
  return succeed(toPage(rows, request.limit, (row) => row, positionOf));
}
