// Counts what users have by the thousand. Reads are billed, so callers ask some times an hour.
import type { Quotas } from "../../protocol/money/quotas.ts";
import { quotasOf, readQuotas } from "../people/acting.ts";

export interface Stock {
  threads: number;
  projects: number;
  /** An admin's numbers for the user. */
  quotas: Quotas | null;
}

const countRows = (from: string) => `(SELECT count(*) FROM (SELECT 1 FROM ${from} LIMIT ?2))`;
const COUNT = `SELECT ${countRows("threads WHERE user_id = ?1 AND deleted_at IS NULL")} AS threads,
  ${countRows("projects WHERE user_id = ?1")} AS projects, ${quotasOf("?1")} AS quotas`;

/** Counts no further than `most`. */
export async function countStock(db: D1Database, user_id: string, most: number): Promise<Stock> {
  const row = await db.prepare(COUNT).bind(user_id, most).first<Stock & { quotas: string | null }>();
  if (row === null) throw new Error("D1 counted nothing");
  return { ...row, quotas: readQuotas(row.quotas) };
}

/** Some milliseconds each, since a statement that runs keeps all others of D1 waiting. */
const ROWS_AT_ONCE = 5_000;
/** A million messages; what is beyond them is not counted. */
const MAX_STATEMENTS = 200;

/** The place of the row that is last in the order of the key: blanks are below all characters of an id. */
const last = (id: string, number: string) => `max(${id} || ' ' || printf('%012d', ${number})) AS place`;

// The size of a text is in its row's head: neither texts nor their overflow pages are read.
const sizes = {
  messages: `SELECT count(*) AS rows, coalesce(sum(size), 0) AS bytes, ${last("thread_id", "seq")}, thread_id AS id, seq AS number
    FROM (SELECT thread_id, seq, size FROM messages WHERE user_id = ?1 AND (thread_id, seq) > (?2, ?3)
      ORDER BY thread_id, seq LIMIT ${ROWS_AT_ONCE})`,
  agents: `SELECT count(*) AS rows, coalesce(sum(bytes), 0) AS bytes, ${last("agent_id", "version")}, agent_id AS id, version AS number
    FROM (SELECT agent_id, version, octet_length(config) AS bytes FROM agent_versions
      WHERE user_id = ?1 AND (agent_id, version) > (?2, ?3) ORDER BY agent_id, version LIMIT ${ROWS_AT_ONCE})`,
  receipts: `SELECT count(*) AS rows, coalesce(sum(size), 0) AS bytes, ${last("thread_id", "seq")}, thread_id AS id, seq AS number
    FROM (SELECT thread_id, seq, size FROM receipts WHERE user_id = ?1 AND (thread_id, seq) > (?2, ?3)
      ORDER BY thread_id, seq LIMIT ${ROWS_AT_ONCE})`,
};

/** What the user's messages, receipts and agents take in D1. Reads a row for each of them, in short statements. */
export async function measureBytes(db: D1Database, user_id: string): Promise<number> {
  let total = 0;
  for (const query of Object.values(sizes)) {
    let [id, number] = ["", -1];
    for (let statements = 0; statements < MAX_STATEMENTS; statements++) {
      const bound = db.prepare(query).bind(user_id, id, number);
      const page = await bound.first<{ rows: number; bytes: number; id: string; number: number }>();
      total += page?.bytes ?? 0;
      if (page === null || page.rows < ROWS_AT_ONCE) break;
      ({ id, number } = page);
    }
  }
  return total;
}
