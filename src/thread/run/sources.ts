// The thread's sources: what tools found and read, numbered for answers that cite them. The numbers belong to the
// thread, so a later run's `[3]` means what an earlier one's did.
import { type Source, type Sources, toSourceUrl } from "../../agent/sources.ts";
import type { Life } from "../life.ts";
import type { Sql, SqlValue } from "../rows/database.ts";

interface SourceRow extends Record<string, SqlValue> {
  n: number;
  url: string;
  title: string | null;
  date: string | null;
  read_at: string | null;
  hash: string | null;
}

/** For one life of a run. */
export function openSources({ database: { sql } }: Life): Sources {
  const given = new Map<string, number>();
  let last: number | null = null;
  return {
    number: (address) => {
      const url = toSourceUrl(address) ?? address;
      const known = given.get(url) ?? findNumber(sql, url);
      last ??= lastNumber(sql);
      const n = known ?? ++last;
      given.set(url, n);
      return n;
    },
    isNamed: (address) => isNamed(sql, address),
  };
}

function findNumber(sql: Sql, url: string): number | undefined {
  return sql.exec<{ n: number }>("SELECT n FROM sources WHERE url = ?", url).toArray()[0]?.n;
}

function lastNumber(sql: Sql): number {
  return sql.exec<{ n: number | null }>("SELECT max(n) AS n FROM sources").toArray()[0]?.n ?? 0;
}

/** A source that was read stays read when a later search finds it again. Inside a transaction. */
export function storeSources(sql: Sql, invocation_id: string, sources: Source[]): void {
  for (const { n, url, title, date, read } of sources) {
    sql.exec(
      `INSERT INTO sources (n, url, title, date, read_at, hash) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (n) DO UPDATE SET title = coalesce(excluded.title, title), date = coalesce(excluded.date, date),
         read_at = coalesce(excluded.read_at, read_at), hash = coalesce(excluded.hash, hash)`,
      n,
      url,
      title,
      date,
      read?.at ?? null,
      read?.hash ?? null,
    );
    sql.exec("INSERT OR IGNORE INTO run_sources (invocation_id, n) VALUES (?, ?)", invocation_id, n);
  }
}

/** What the run found or read, by number. */
export function readSources(sql: Sql, invocation_id: string): Source[] {
  return sql
    .exec<SourceRow>(
      `SELECT n, url, title, date, read_at, hash FROM run_sources JOIN sources USING (n)
       WHERE invocation_id = ? ORDER BY n`,
      invocation_id,
    )
    .toArray()
    .map(({ read_at, hash, ...source }) => ({
      ...source,
      read: read_at === null || hash === null ? null : { at: read_at, hash },
    }));
}

/** How many of the newest rows are searched for an address. */
const MAX_SEARCHED = 2000;

/** Signs that may follow an address in a text without being a part of it. */
const AFTER_ADDRESS = /^(?:$|[\s"'<>()[\]{}\\|^`,;，。；、）】》」]|[.!?:](?:$|[\s"'\\<)\]]))/u;

/**
 * Whether a message of a person or a result of a tool contains the address as it is. A longer one that begins with it
 * does not count: a page could spell out a secret by how much of an address is fetched.
 */
function isNamed(sql: Sql, address: string): boolean {
  const forms = [...new Set([address, toSourceUrl(address) ?? address])].flatMap((form) =>
    form.endsWith("/") ? [form, form.slice(0, -1)] : [form],
  );
  return forms.some((form) => texts(sql, form).some((text) => contains(text, form)));
}

function contains(text: string, form: string): boolean {
  for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1)) {
    if (AFTER_ADDRESS.test(text.slice(at + form.length, at + form.length + 2))) return true;
  }
  return false;
}

/** The stored texts, as JSON, that contain it: of messages, and of results that were kept whole. */
function texts(sql: Sql, form: string): string[] {
  const written = JSON.stringify(form).slice(1, -1);
  return sql
    .exec<{ content: string }>(
      `SELECT content FROM (SELECT content FROM messages WHERE type IN ('user', 'tool') ORDER BY seq DESC LIMIT ?)
       WHERE instr(content, ?) > 0
       UNION ALL SELECT content FROM results WHERE instr(content, ?) > 0
       UNION ALL SELECT text AS content FROM overflow WHERE instr(text, ?) > 0`,
      MAX_SEARCHED,
      written,
      written,
      form,
    )
    .toArray()
    .map(({ content }) => content);
}
