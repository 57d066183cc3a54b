// What D1 has of a thread, as other software reads it: docs/storage.md.
import type { MessageRow } from "../../src/protocol/message.ts";
import type { Plan } from "../../src/protocol/plan/task.ts";
import type { Run } from "../../src/protocol/run.ts";
import type { ThreadKey } from "../../src/protocol/thread.ts";
import { readMetadata, withContent } from "../../src/store/shapes/message.ts";
import { toRun } from "../../src/store/shapes/run.ts";
import { parseStored, readStored } from "../../src/store/shapes/stored.ts";
import { SUPERSEDED, withoutMark } from "../../src/store/shapes/superseded.ts";

type Row = Omit<MessageRow, "content" | "metadata" | "is_llm_message"> & {
  is_llm_message: number;
  content: string | null;
  metadata: string | null;
  version: number;
  size: number;
  superseded: string | null;
};

const PART = `(SELECT group_concat(text, '') FROM (SELECT text FROM message_parts AS p
  WHERE p.user_id = m.user_id AND p.thread_id = m.thread_id AND p.seq = m.seq AND p.version = m.version AND field = ?3
  ORDER BY part))`;
const MESSAGES = `SELECT *, coalesce(content, ${PART.replace("?3", "'content'")}) AS content,
    coalesce(metadata, ${PART.replace("?3", "'metadata'")}) AS metadata
  FROM messages AS m WHERE user_id = ?1 AND thread_id = ?2 ORDER BY seq`;

/** Oldest first. */
export async function readStoredMessages(
  db: D1Database,
  key: ThreadKey,
  { superseded = false } = {},
): Promise<MessageRow[]> {
  const { results } = await db.prepare(MESSAGES).bind(key.user_id, key.thread_id).all<Row>();
  return results.filter(({ type }) => superseded || (type as string) !== SUPERSEDED).map(toMessage);
}

function toMessage({ version: _, size: __, ...row }: Row): MessageRow {
  const { superseded, content, metadata, is_llm_message, ...rest } = row;
  const mark = withoutMark({ type: row.type, is_llm_message, superseded }, row.seq);
  return withContent(
    { ...rest, ...mark, content: parseStored(content ?? ""), metadata: readMetadata(metadata ?? "", row.seq) },
    row.seq,
  );
}

export async function readStoredPlan(db: D1Database, key: ThreadKey): Promise<Plan | null> {
  const { results } = await db
    .prepare("SELECT version, seq FROM messages WHERE user_id = ?1 AND thread_id = ?2 AND type = 'task_list'")
    .bind(key.user_id, key.thread_id)
    .all<{ version: number; seq: number }>();
  const newest = results.at(-1);
  const message = (await readStoredMessages(db, key)).find(({ seq }) => seq === newest?.seq);
  return newest === undefined || message?.type !== "task_list"
    ? null
    : { version: newest.version, sections: message.content.sections, tasks: message.content.tasks };
}

/** Newest first, without their sources. */
export async function readStoredRuns(db: D1Database, key: ThreadKey): Promise<Run[]> {
  const { results } = await db
    .prepare(
      "SELECT invocation_id, run FROM runs WHERE user_id = ?1 AND thread_id = ?2 ORDER BY created_at DESC, invocation_id DESC",
    )
    .bind(key.user_id, key.thread_id)
    .all<{ invocation_id: string; run: string }>();
  return results.flatMap(({ invocation_id, run }) => {
    const read = readStored((value) => toRun(value), run, "run", invocation_id);
    if (read === undefined) return [];
    const { sources: _, ...listed } = read;
    return [listed];
  });
}
