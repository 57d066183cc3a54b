// Between a request and a trigger's row: which fields belong to which type, what is wrong with a request, and when a
// schedule is due.
import type { Caller } from "../../http/context.ts";
import { Problem } from "../../http/errors.ts";
import { newId } from "../../protocol/ids.ts";
import { type Caps, changeCaps, pickCaps, showCaps } from "../../protocol/money/caps.ts";
import type { Trigger, TriggerSettings, TriggerVerification } from "../../protocol/trigger.ts";
import type { RotatedName } from "../../secrets/rotated.ts";
import { findSecretFault, makeSecret } from "../../secrets/signing-secret.ts";
import { parseKey, parseTemplate } from "../picks.ts";
import { exampleOfPace, findCloseTimes, findScheduleFault, nextTimes } from "../schedule-times.ts";
import type { TriggerBody, TriggerPatch } from "./schemas.ts";

/** How many due times clients see. */
const TIMES_SHOWN = 5;

/** Shared fields are in neither list. */
const fieldsOf = { webhook: ["verify", "key"], schedule: ["cron", "timezone", "overlap"] } as const;

/** Refuses fields of the other type like unknown fields. */
export function refuseOtherFields(trigger: Trigger, patch: TriggerPatch): void {
  const other = trigger.type === "webhook" ? "schedule" : "webhook";
  const given = fieldsOf[other].filter((name) => patch[name] !== undefined);
  if (given.length === 0) return;
  const names = given.map((name) => JSON.stringify(name)).join(", ");
  throw new Problem("unknown_field", `not known: ${names} (of a ${other}, and this is a ${trigger.type})`);
}

/** Throws a `Problem` that names the field. */
export function checkTrigger(trigger: Trigger): void {
  if (trigger.type === "schedule") {
    if (trigger.thread === "per_key") throw new Problem("invalid_field", "thread: per_key is for webhooks");
    return;
  }
  check("prompt", parseTemplate(trigger.prompt));
  const { key } = trigger.settings;
  if (trigger.thread !== "per_key" && key !== null) {
    throw new Problem("invalid_field", 'key: is for thread "per_key" only');
  }
  if (key !== null && check("key", parseKey(key)).every((piece) => typeof piece === "string")) {
    throw new Problem("invalid_field", "key: must pick something of the payload, such as {{$.issue.number}}");
  }
}

/** Throws a `Problem` if a schedule is due more often than the server permits new ones to be. */
export function checkPace({ type, settings }: Trigger, minutes: number, now: number): void {
  const close = type === "schedule" && minutes > 1 ? findCloseTimes(settings.cron ?? "", minutes, now) : null;
  if (close === null) return;
  const rule = `due times must be at least ${minutes} minutes apart, such as ${exampleOfPace(minutes)}`;
  throw new Problem("invalid_field", `cron: ${rule}; ${close} are closer`);
}

function check(field: string, parsed: ReturnType<typeof parseTemplate>) {
  if (!parsed.ok) throw new Problem(parsed.error.code, `${field}: ${parsed.error.detail}`);
  return parsed.value;
}

/** The given secret if it fits the scheme; without one, a new secret. */
export function chooseSecret(verify: TriggerVerification, given: string | undefined): string {
  if (given === undefined) return makeSecret(verify);
  const fault = findSecretFault(verify, given);
  if (fault !== null) throw new Problem("invalid_field", `secret: ${fault}`);
  return given;
}

export function newTrigger(
  { user_id, key_id }: Pick<Caller, "user_id" | "key_id">,
  body: TriggerBody,
  now: number,
): Trigger {
  const at = new Date(now).toISOString();
  const { type, agent_id, project_id, prompt, thread, enabled } = body;
  const trigger: Trigger = {
    user_id,
    trigger_id: newId("trig", now),
    type,
    agent_id,
    project_id,
    prompt,
    thread,
    enabled,
    settings: settingsOf(body),
    next_at: null,
    last_fired_at: null,
    last_thread_id: null,
    last_invocation_id: null,
    created_at: at,
    updated_at: at,
    made_by: key_id,
  };
  return { ...trigger, next_at: findNext(trigger, now) };
}

function settingsOf(body: TriggerBody): TriggerSettings {
  if (body.type === "webhook") {
    const { verify, key } = body;
    return { verify, key, cron: null, timezone: null, overlap: "skip", ...capsAfter(undefined, body) };
  }
  const { cron, timezone, overlap } = body;
  return { verify: null, key: null, cron, timezone, overlap, ...capsAfter(undefined, body) };
}

function capsAfter(before: TriggerSettings | undefined, given: Caps): Pick<TriggerSettings, "caps"> {
  const caps = changeCaps(before?.caps, pickCaps(given));
  return caps === undefined ? {} : { caps };
}

export function applyPatch(before: Trigger, patch: TriggerPatch): Trigger {
  const { verify, key, cron, timezone, overlap, max_cost_usd, max_total_tokens, max_minutes, ...shared } = patch;
  const changed = { ...before, ...shared };
  const settings: TriggerSettings = {
    verify: verify ?? before.settings.verify,
    key: key === undefined ? before.settings.key : key,
    cron: cron ?? before.settings.cron,
    timezone: timezone ?? before.settings.timezone,
    overlap: overlap ?? before.settings.overlap,
    ...capsAfter(before.settings, { max_cost_usd, max_total_tokens, max_minutes }),
    ...(changed.enabled ? {} : disabledOf(before)),
    ...(before.settings.former_makers && { former_makers: before.settings.former_makers }),
  };
  // A trigger that stops being `per_key` loses its key without being asked.
  if (key === undefined && changed.thread !== "per_key") settings.key = null;
  return { ...changed, settings };
}

/** Why the server disabled a trigger; empty if it did not. */
function disabledOf({ settings: { disabled_at, disabled_reason } }: Trigger) {
  if (disabled_at === undefined || disabled_reason === undefined) return {};
  return { disabled_at, disabled_reason };
}

/** Whether a trigger is enabled whose maker was revoked. Whoever does that opens it, and is its maker from now on. */
export function isTakenOver(before: Trigger, changed: Trigger): boolean {
  return before.settings.disabled_reason !== undefined && changed.enabled;
}

/** A schedule whose times don't change keeps its `next_at`, which the sweep may be moving at the same time. */
export function isRetimed(before: Trigger, changed: Trigger): boolean {
  const { cron, timezone } = before.settings;
  const isOther = cron !== changed.settings.cron || timezone !== changed.settings.timezone;
  return changed.type === "schedule" && (isOther || before.enabled !== changed.enabled);
}

/** The next due time; null for paused triggers and webhooks. Throws a `Problem` if the times can't be computed. */
export function findNext({ type, enabled, settings }: Trigger, now: number): string | null {
  if (type !== "schedule") return null;
  const { cron, timezone } = settings;
  const fault = findScheduleFault(cron ?? "", timezone ?? "", now);
  if (fault !== null) throw new Problem("invalid_field", fault);
  return enabled ? (nextTimes(cron ?? "", timezone ?? "", now, 1)[0] ?? null) : null;
}

/** Null if cron or time zone is invalid. */
function readTimes(cron: string, timezone: string, now: number, count: number): string[] | null {
  try {
    return nextTimes(cron, timezone, now, count);
  } catch {
    return null;
  }
}

/** A trigger as clients see it. */
export function showTrigger(trigger: Trigger, origin: string, now: number) {
  const { trigger_id, type, agent_id, project_id, prompt, thread, enabled, settings } = trigger;
  const { verify, key, cron, timezone, overlap } = settings;
  const isDue = enabled && cron !== null && timezone !== null;
  return {
    trigger_id,
    type,
    agent_id,
    project_id,
    prompt,
    verify,
    thread,
    key,
    enabled,
    url: type === "webhook" ? `${origin}/hooks/${trigger_id}` : null,
    cron,
    timezone,
    overlap: type === "schedule" ? overlap : null,
    next_times: isDue ? (readTimes(cron, timezone, now, TIMES_SHOWN) ?? []) : [],
    ...showCaps(settings.caps),
    last_fired_at: trigger.last_fired_at,
    created_at: trigger.created_at,
    disabled_at: settings.disabled_at ?? null,
    disabled_reason: settings.disabled_reason ?? null,
    made_by: trigger.made_by,
  };
}

/** The name of its secret in the store. */
export function secretOf({ user_id, trigger_id }: Trigger): RotatedName {
  return { user_id, kind: "trigger", name: trigger_id };
}
