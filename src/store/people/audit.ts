// The audit's entries. One is written before the act, so that no act lacks one, and gets its outcome afterwards.
import { and, eq, isNull } from "drizzle-orm";
import { newId } from "../../protocol/ids.ts";
import type { AuditEntry, AuditOutcome } from "../../protocol/people/audit.ts";
import { open } from "../database.ts";
import { auditEntries } from "./schema.ts";

export type NewAuditEntry = Omit<AuditEntry, "entry_id" | "created_at" | "outcome">;

/** What is known once the act is over. Absent fields stay as they are. */
export interface AuditEnd {
  outcome: AuditOutcome;
  target?: string | null;
  details?: AuditEntry["details"];
}

/** Names the entry to `closeAuditEntry`. */
export interface OpenAuditEntry {
  /** As stored: empty if nobody is known. */
  user_id: string;
  entry_id: string;
}

/** Rejects if D1 fails: then the act must not happen. */
export async function openAuditEntry(db: D1Database, entry: NewAuditEntry, now: number): Promise<OpenAuditEntry> {
  const key = { user_id: entry.user_id ?? "", entry_id: newId("aud", now) };
  await open(db)
    .insert(auditEntries)
    .values({ ...entry, ...key, created_at: new Date(now).toISOString() });
  return key;
}

/** Does nothing to an entry that has its outcome. */
export async function closeAuditEntry(db: D1Database, key: OpenAuditEntry, end: AuditEnd): Promise<void> {
  const { user_id, entry_id, outcome } = auditEntries;
  await open(db)
    .update(auditEntries)
    .set(end)
    .where(and(eq(user_id, key.user_id), eq(entry_id, key.entry_id), isNull(outcome)));
}
