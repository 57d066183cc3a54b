// What an object tells D1 of its thread in one transaction.
import type { MessageRow } from "../protocol/message.ts";
import type { Run } from "../protocol/run.ts";
import type { Thread, ThreadKey } from "../protocol/thread.ts";

export interface ThreadBatch {
  key: ThreadKey;
  /** The project that was made for this thread; null where there is none or D1 has it. */
  project: { project_id: string; name: string; created_at: string } | null;
  thread: (Thread & { version: number }) | null;
  messages: (MessageRow & { version: number })[];
  /** Where the plan is among the messages: the newest number of the journal, and the run that it was changed in, with its hops. */
  plan_change?: { seq: number; invocation_id: string | null; hops?: number };
  /** `end_seq`: the number of its terminal event, or of the newest where it has none. */
  runs: (Run & { version: number; end_seq?: number | null })[];
}
