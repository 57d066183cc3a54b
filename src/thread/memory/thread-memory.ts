// What a life remembers of rows that each run needs, so that only its first run reads them. Whoever stores such a row
// notes it here in the same transaction: if that fails, the life ends, so memory and rows can't differ.
import type { Conversation } from "../../agent/context/conversation.ts";
import type { ModelMessage } from "../../agent/model.ts";
import type { UnseenEdits } from "../../agent/plan/unseen-edits.ts";

/** Each is absent until it is first read. */
export interface ThreadMemory {
  history: KeptHistory;
  token_scale?: TokenScale | null;
  edits?: Edits;
  /** What servers and models want, by server and model. */
  model_rules?: Record<string, string[]>;
}

/** Each model counts tokens in its own way, so the scale of one says nothing about another. */
export interface TokenScale {
  model: string;
  scale: number;
}

/**
 * Stored as JSON under `plan_edits`. `news`: the edits that the model has not seen. `requests`: ids of the last edits,
 * since a route may send one twice. `edited_at`: when a person last changed the plan.
 */
export interface Edits {
  news: UnseenEdits | null;
  requests: string[];
  edited_at?: string;
}

/** What the model reads of the thread. */
export interface KeptHistory {
  /** Null when it has to be read. */
  conversation: Conversation | null;
  /** Offsets in results at which a person's words begin, by call id. */
  answers: Map<string, number>;
  /** How many rows the conversation has once the run has added those that it stored. */
  rows: number;
  /** Rows that were stored when a run started. They are added when its history is opened. */
  waiting: WaitingRow[];
  /** About what these take in memory. */
  waiting_bytes: number;
}

export interface WaitingRow {
  seq: number;
  message: ModelMessage;
  said_at: number | null;
}

export function newMemory(): ThreadMemory {
  return { history: { conversation: null, answers: new Map(), rows: 0, waiting: [], waiting_bytes: 0 } };
}
