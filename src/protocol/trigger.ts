// Triggers start runs without a person. A webhook trigger is called by a sender that it verifies by a signature; a
// schedule starts runs at due times.

import type { Caps } from "./money/caps.ts";

export type TriggerType = "webhook" | "schedule";

/** How a sender proves its identity, as the trigger's owner configured it. The secret is stored elsewhere. */
export type TriggerVerification = { scheme: "standard" } | { scheme: "github" } | HmacVerification | HeaderVerification;

export interface HmacVerification {
  scheme: "hmac";
  /** The header that carries the signature. */
  header: string;
  algorithm?: "sha1" | "sha256" | "sha512" | undefined;
  encoding?: "hex" | "base64" | undefined;
  /** Text before the signature in its header. */
  prefix?: string | undefined;
  /** The header with a signed time in seconds; null if the sender sends no time. */
  timestamp_header?: string | null | undefined;
  /** The signed text, in which `{timestamp}`, `{id}` and `{body}` are placeholders. */
  signed?: string | undefined;
  /** The header with the delivery's id; null if the sender sends no id. */
  id_header?: string | null | undefined;
}

export interface HeaderVerification {
  scheme: "header";
  header: string;
  prefix?: string | undefined;
  id_header?: string | null | undefined;
}

/** Settings that only one type has; the rest have columns of their own. */
export interface TriggerSettings {
  /** Webhooks only. */
  verify: TriggerVerification | null;
  /** Webhooks with `thread` `per_key` only: the template of the key, such as `{{$.issue.number}}`. */
  key: string | null;
  /** Schedules only: five cron fields, read in the IANA time zone `timezone`. */
  cron: string | null;
  timezone: string | null;
  /** What happens to a due time while the run before still works. */
  overlap: "skip" | "queue";
  /** Caps of each run that it starts. Absent for none. */
  caps?: Caps;
  /** Why the server disabled it, and when. Its secret is gone too. Absent if it did not. */
  disabled_reason?: string;
  disabled_at?: string;
  /** Keys that know a secret which was replaced and stays valid for a time. */
  former_makers?: { made_by: string; until: string }[];
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
  /** The id of the key that made it, or gave it its secret; null if that is not known. */
  made_by: string | null;
}

/**
 * `accepted` has a run; `refused` was not admitted; `skipped` was due while the run before still worked; `waiting` is
 * due and waits for that run to end, or for room in a quota.
 */
export type TriggerDeliveryStatus = "accepted" | "refused" | "skipped" | "waiting";
