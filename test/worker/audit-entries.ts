// Entries of the audit in D1, as tests read and make them.
import { env } from "cloudflare:test";
import { vi } from "vitest";
import { newId } from "../../src/protocol/ids.ts";

/** Collects what is logged. Restore the mocks after each test. */
export function collectLogs(): Record<string, unknown>[] {
  const logged: Record<string, unknown>[] = [];
  const log = (line: unknown) => void logged.push(JSON.parse(String(line)));
  vi.spyOn(console, "warn").mockImplementation(log);
  vi.spyOn(console, "error").mockImplementation(log);
  return logged;
}

interface StoredEntry {
  user_id: string;
  entry_id: string;
  action: string;
  target: string | null;
  outcome: string | null;
  source: string;
  details: string;
}

export async function entriesOf(user_id: string): Promise<StoredEntry[]> {
  const query = "SELECT * FROM audit_entries WHERE user_id = ? ORDER BY entry_id";
  return (await env.DB.prepare(query).bind(user_id).all<StoredEntry>()).results;
}

interface Approval {
  action: string;
  actor_id: string | null;
  key_id: string | null;
  target: string | null;
  outcome: string | null;
  source: Record<string, unknown>;
  details: Record<string, unknown>;
}

/** What was recorded of answers in a thread. */
export async function approvalsOf(user_id: string, thread_id: string): Promise<Approval[]> {
  const query = "SELECT * FROM audit_entries WHERE user_id = ? AND action LIKE 'approval.%' ORDER BY entry_id";
  const { results } = await env.DB.prepare(query).bind(user_id).all<Record<keyof Approval, string>>();
  const read = results.map(({ source, details, ...row }) => ({
    ...row,
    source: JSON.parse(source),
    details: JSON.parse(details),
  }));
  return read.filter(({ details }) => details.thread_id === thread_id);
}

/** Entries of any age, as nobody can make them by the API. */
export async function insertEntries(
  user_id: string,
  at: number,
  count: number,
  more: { action?: string; key_id?: string } = {},
) {
  const { action = "webhook.create", key_id = "key_1" } = more;
  const statement = env.DB.prepare(
    "INSERT INTO audit_entries SELECT ?1, value, ?2, ?1, ?3, ?4, 'target', 'done', ?5, '{}' FROM json_each(?6)",
  );
  const source = JSON.stringify({ type: "server" });
  for (let left = count; left > 0; left -= 5_000) {
    const ids = Array.from({ length: Math.min(left, 5_000) }, () => newId("aud", at));
    await statement.bind(user_id, new Date(at).toISOString(), key_id, action, source, JSON.stringify(ids)).run();
  }
}
