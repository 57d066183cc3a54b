// Triggers: what starts runs by itself. A webhook trigger is called by a sender whose signature it knows; a schedule is due
// at times of a clock.

export type TriggerType = "webhook" | "schedule";

/** How a sender shows that it is the one, as its owner wrote it. The secret is not here. */
export type TriggerVerification = { scheme: "standard" } | { scheme: "github" } | HmacVerification | HeaderVerification;

export interface HmacVerification {
  scheme: "hmac";
  /** Of the signature. */
  header: string;
  algorithm?: "sha1" | "sha256" | "sha512" | undefined;
  encoding?: "hex" | "base64" | undefined;
  /** What stands before the signature in its header. */
  prefix?: string | undefined;
  /** Of a time in seconds that is signed too; null where nothing tells how old a delivery is. */
  timestamp_header?: string | null | undefined;
  /** What is signed: `{timestamp}`, `{id}` and `{body}` stand for theirs. */
  signed?: string | undefined;
  /** Of the delivery's id; null where there is none. */
  id_header?: string | null | undefined;
}

export interface HeaderVerification {
  scheme: "header";
  header: string;
  prefix?: string | undefined;
  id_header?: string | null | undefined;
}

/** What is particular to a type; the rest are columns of its own. */
export interface TriggerSettings {
  /** Of a webhook. */
  verify: TriggerVerification | null;
  /** Of a webhook whose `thread` is `per_key`: what picks the key, such as `{{$.issue.number}}`. */
  key: string | null;
  /** Of a schedule: five fields, and the IANA zone that they are read in. */
  cron: string | null;
  timezone: string | null;
  /** What becomes of a due time while the run before is at work. */
  overlap: "skip" | "queue";
}

export interface Trigger {
  user_id: string;
  trigger_id: string;
  type: TriggerType;
  agent_id: string | null;
  project_id: string | null;
  prompt: string;
  /** `new`, `per_key`, or the id of one thread. */
  thread: string;
  enabled: boolean;
  settings: TriggerSettings;
  next_at: string | null;
  last_fired_at: string | null;
  last_thread_id: string | null;
  last_invocation_id: string | null;
  created_at: string;
  updated_at: string;
}

/**
 * `accepted` has a run; `refused` was not let in; `skipped` was due while the run before was at work; `waiting` is due and
 * waits for that run's end.
 */
export type TriggerDeliveryStatus = "accepted" | "refused" | "skipped" | "waiting";
