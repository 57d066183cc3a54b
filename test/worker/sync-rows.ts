// Threads and messages as batches bring them to D1.
import { env } from "cloudflare:test";
import type { MessageBody, MessageRow } from "../../src/protocol/message.ts";
import type { ThreadKey } from "../../src/protocol/thread.ts";
import type { ThreadBatch } from "../../src/store/batch.ts";
import { readStoredMessages } from "../fakes/stored-rows.ts";
import { at } from "./http-fake-threads.ts";

let threads = 0;

export function makeKey(user_id = "user_sync"): ThreadKey {
  threads += 1;
  return { user_id, thread_id: `thread-${threads}` };
}

export function batchOf(key: ThreadKey, part: Partial<ThreadBatch>): ThreadBatch {
  return { key, project: null, thread: null, messages: [], runs: [], ...part };
}

export function makeThread(key: ThreadKey, version: number, title: string | null) {
  return {
    ...key,
    project_id: "proj-001",
    title,
    agent_id: "agent_default",
    metadata: { lang: "zh" },
    created_at: at,
    updated_at: at,
    version,
  };
}

export function says(content: string): MessageBody {
  return { type: "user", content: { role: "user", content } };
}

export function makeMessage(
  key: ThreadKey,
  seq: number,
  body: MessageBody = says("hello"),
  part: { metadata?: MessageRow["metadata"]; is_llm_message?: boolean; version?: number } = {},
) {
  return {
    message_id: `msg_${seq}`,
    ...key,
    project_id: "proj-001",
    invocation_id: "inv-001",
    agent_id: null,
    is_llm_message: true,
    metadata: {},
    seq,
    created_at: at,
    version: 1,
    ...part,
    ...body,
  };
}

export function readMessages(key: ThreadKey): Promise<MessageRow[]> {
  return readStoredMessages(env.DB, key);
}
