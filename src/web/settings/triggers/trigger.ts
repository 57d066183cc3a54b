// A trigger as the API returns it, and the form that creates or changes one: the draft, and the body made from it.
import type { TriggerDeliveryStatus, TriggerType, TriggerVerification } from "../../../protocol/trigger.ts";

export interface Trigger {
  trigger_id: string;
  type: TriggerType;
  agent_id: string | null;
  project_id: string | null;
  prompt: string;
  verify: TriggerVerification | null;
  /** `new`, `per_key`, or the id of one thread. */
  thread: string;
  key: string | null;
  enabled: boolean;
  url: string | null;
  cron: string | null;
  timezone: string | null;
  overlap: "skip" | "queue" | null;
  next_times: string[];
  last_fired_at: string | null;
  created_at: string;
  /** When and why the server disabled it. */
  disabled_at?: string | null;
  disabled_reason?: string | null;
}

export interface TriggerDelivery {
  delivery_id: string;
  status: TriggerDeliveryStatus;
  reason: string | null;
  source_id: string | null;
  thread_id: string | null;
  invocation_id: string | null;
  created_at: string;
}

export type Scheme = TriggerVerification["scheme"];

/** Everything is text, as fields hold it; "" is left out. */
export interface TriggerDraft {
  type: TriggerType;
  prompt: string;
  agent_id: string;
  thread: string;
  key: string;
  cron: string;
  timezone: string;
  overlap: "skip" | "queue";
  scheme: Scheme;
  header: string;
  prefix: string;
  id_header: string;
  timestamp_header: string;
  signed: string;
  algorithm: "sha1" | "sha256" | "sha512";
  encoding: "hex" | "base64";
}

export function newDraft(type: TriggerType, timezone: string): TriggerDraft {
  return {
    ...{ type, prompt: "", agent_id: "", thread: "new", key: "" },
    ...{ cron: "0 9 * * MON-FRI", timezone, overlap: "skip" },
    ...{ scheme: "github", header: "", prefix: "", id_header: "", timestamp_header: "", signed: "" },
    ...{ algorithm: "sha256", encoding: "hex" },
  };
}

export function draftOf(trigger: Trigger): TriggerDraft {
  const { type, prompt, agent_id, thread, key, cron, timezone, overlap, verify } = trigger;
  const draft = newDraft(type, timezone ?? "UTC");
  return {
    ...draft,
    ...{ prompt, thread, agent_id: agent_id ?? "", key: key ?? "", cron: cron ?? "", overlap: overlap ?? "skip" },
    ...(verify ? readVerification(verify) : {}),
  };
}

/** The body that creates it. A change is the same without the type, which is fixed. */
export function bodyOf(draft: TriggerDraft): Record<string, unknown> {
  const { type, prompt, agent_id, thread } = draft;
  const shared = { type, prompt: prompt.trim(), agent_id: agent_id || null, thread };
  if (type === "schedule") {
    return { ...shared, cron: draft.cron.trim(), timezone: draft.timezone, overlap: draft.overlap };
  }
  return { ...shared, verify: verificationOf(draft), key: thread === "per_key" ? draft.key.trim() || null : null };
}

export function patchOf(draft: TriggerDraft): Record<string, unknown> {
  const { type: _stays, ...patch } = bodyOf(draft);
  return patch;
}

function verificationOf(draft: TriggerDraft): TriggerVerification {
  const { scheme, prefix } = draft;
  const header = draft.header.trim();
  const given = {
    ...(prefix === "" ? {} : { prefix }),
    ...(draft.id_header.trim() === "" ? {} : { id_header: draft.id_header.trim() }),
  };
  if (scheme === "header") return { scheme, header, ...given };
  if (scheme !== "hmac") return { scheme };
  const { algorithm, encoding } = draft;
  return {
    ...{ scheme, header, algorithm, encoding, ...given },
    ...(draft.timestamp_header.trim() === "" ? {} : { timestamp_header: draft.timestamp_header.trim() }),
    ...(draft.signed.trim() === "" ? {} : { signed: draft.signed.trim() }),
  };
}

function readVerification(verify: TriggerVerification): Partial<TriggerDraft> {
  const { scheme } = verify;
  if (scheme === "standard" || scheme === "github") return { scheme };
  const common = { scheme, header: verify.header, prefix: verify.prefix ?? "", id_header: verify.id_header ?? "" };
  if (verify.scheme === "header") return common;
  return {
    ...common,
    ...{ algorithm: verify.algorithm ?? "sha256", encoding: verify.encoding ?? "hex" },
    ...{ timestamp_header: verify.timestamp_header ?? "", signed: verify.signed ?? "" },
  };
}

/** All zones that the browser knows, and the person's own. Not every browser lists `UTC`. */
export function listZones(own: string): string[] {
  return [...new Set([own, "UTC", ...Intl.supportedValuesOf("timeZone")])].sort();
}

export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}
