// Parses Slack's events from JSON, and gives the reason for each that is ignored. Every field is validated.
import { z } from "zod";
import { isRecord } from "../lib/is-record.ts";
import { late } from "../protocol/schemas/late.ts";

/** A person's message. Slack sends a mention as two events, and both become the same message. */
export interface SlackMessageEvent {
  channel: string;
  user_id: string;
  /** The workspace of the writer, which may be another one in a shared channel. */
  user_team_id: string;
  /** In Slack's markup. */
  text: string;
  ts: string;
  /** The message that started the thread; null if this one may start it. */
  thread_ts: string | null;
  /** Who started the thread; null if Slack does not say. The writer, if this message may start it. */
  started_by: string | null;
  /** The conversation has only this person and the bot. */
  is_direct: boolean;
  /** It arrived as Slack's event for mentions. */
  is_mention: boolean;
  /** The names of attached files. */
  files: string[];
  /** The texts of forwarded messages. */
  forwarded: string[];
}

export type SlackEvent =
  | { kind: "challenge"; challenge: string }
  | { kind: "ignored"; reason: string; team_id: string | null }
  | { kind: "message"; team_id: string; message: SlackMessageEvent }
  /** A person opened the assistant pane beside Slack's conversations. */
  | { kind: "pane_opened"; team_id: string; channel: string; thread_ts: string }
  /** A person pressed Slack's own Stop button at `at` (ms): runs that were requested before it end. */
  | { kind: "stopped"; team_id: string; channel: string; thread_ts: string; at: number }
  /** The app was removed, or its token revoked. */
  | { kind: "removed"; team_id: string };

export const slackId = z.string().regex(/^[A-Za-z0-9]{1,64}$/);
export const slackTime = z.string().regex(/^\d{1,12}\.\d{1,12}$/);

const envelope = late(() =>
  z.object({
    type: z.string(),
    team_id: slackId.optional(),
    api_app_id: z.string().optional(),
    authorizations: z
      .array(z.object({ team_id: slackId.nullish(), user_id: slackId.nullish(), is_bot: z.boolean().nullish() }))
      .nullish(),
    event: z.record(z.string(), z.unknown()).optional(),
  }),
);

const message = late(() =>
  z.object({
    channel: slackId,
    user: slackId,
    team: slackId.nullish(),
    user_team: slackId.nullish(),
    text: z.string().nullish(),
    ts: slackTime,
    thread_ts: slackTime.nullish(),
    parent_user_id: slackId.nullish(),
    channel_type: z.string().nullish(),
  }),
);

const pane = late(() => z.object({ assistant_thread: z.object({ channel_id: slackId, thread_ts: slackTime }) }));

const stopped = late(() => z.object({ channel: slackId, thread_ts: slackTime, event_ts: slackTime }));

/** Subtypes of messages that people write. Every other subtype is an edit, a notice or a bot's message. */
const personalSubtypes = new Set<unknown>(["file_share", "thread_broadcast"]);

/** Returns null if the body is not an event. */
export function readSlackEvent(body: unknown): SlackEvent | null {
  if (isRecord(body) && body.type === "url_verification" && typeof body.challenge === "string") {
    return { kind: "challenge", challenge: body.challenge };
  }
  const read = envelope().safeParse(body);
  if (!read.success) return null;
  const { type, event, authorizations } = read.data;
  // In a shared channel, `team_id` may differ from the workspace in which the app is installed.
  const team_id = authorizations?.[0]?.team_id ?? read.data.team_id ?? null;
  if (type === "app_rate_limited") return { kind: "ignored", reason: "app_rate_limited", team_id };
  if (type !== "event_callback" || event === undefined || team_id === null) return null;
  return readInner(event, team_id, read.data.api_app_id);
}

/** For which app Slack sends an event, and for which bot of the app; null for what it does not say. */
export function readEventTarget(body: unknown): { app_id: string | null; bot_user_id: string | null } {
  const read = envelope().safeParse(body);
  const [installed] = read.data?.authorizations ?? [];
  // An app may also be installed for a person, whose id says nothing about the bot.
  const bot_user_id = installed?.is_bot === true ? (installed.user_id ?? null) : null;
  return { app_id: read.data?.api_app_id ?? null, bot_user_id };
}

function readInner(event: Record<string, unknown>, team_id: string, app_id: string | undefined): SlackEvent {
  const ignored = (reason: string): SlackEvent => ({ kind: "ignored", reason, team_id });
  switch (event.type) {
    case "message":
    case "app_mention": {
      const why = findIgnoreReason(event, app_id);
      const read = message().safeParse(event);
      if (why !== null || !read.success) return ignored(why ?? "malformed");
      return { kind: "message", team_id, message: toMessage(event, read.data, team_id) };
    }
    case "assistant_thread_started": {
      const read = pane().safeParse(event);
      if (!read.success) return ignored("malformed");
      const { channel_id: channel, thread_ts } = read.data.assistant_thread;
      return { kind: "pane_opened", team_id, channel, thread_ts };
    }
    case "agent_session_stopped": {
      const read = stopped().safeParse(event);
      if (!read.success) return ignored("malformed");
      const { channel, thread_ts, event_ts } = read.data;
      return { kind: "stopped", team_id, channel, thread_ts, at: Number(event_ts) * 1000 };
    }
    case "app_uninstalled":
      return { kind: "removed", team_id };
    case "tokens_revoked":
      return revokesBot(event) ? { kind: "removed", team_id } : ignored("a_persons_token");
    default:
      return ignored("other_event");
  }
}

/** Returns the reason to ignore a message; null if a person has just written it. */
function findIgnoreReason(event: Record<string, unknown>, app_id: string | undefined): string | null {
  if (event.bot_id || event.bot_profile) return "bot";
  if (app_id !== undefined && event.app_id === app_id) return "own_app";
  if (event.hidden === true) return "hidden";
  if (event.edited) return "edited";
  const { subtype } = event;
  if (subtype !== undefined && subtype !== null && !personalSubtypes.has(subtype)) return "subtype";
  return null;
}

function toMessage(
  event: Record<string, unknown>,
  {
    channel,
    user,
    team,
    user_team,
    text,
    ts,
    thread_ts,
    parent_user_id,
    channel_type,
  }: z.infer<ReturnType<typeof message>>,
  team_id: string,
): SlackMessageEvent {
  return {
    channel,
    user_id: user,
    user_team_id: user_team ?? team ?? team_id,
    text: (text ?? "").toWellFormed(),
    ts,
    thread_ts: thread_ts ?? null,
    started_by: thread_ts ? (parent_user_id ?? null) : user,
    is_direct: channel_type ? channel_type === "im" : channel.startsWith("D"),
    is_mention: event.type === "app_mention",
    files: recordsOf(event.files).map(({ name, title }) => readText(name) || readText(title) || "unnamed"),
    forwarded: recordsOf(event.attachments)
      .filter(({ is_share, is_msg_unfurl }) => is_share === true || is_msg_unfurl === true)
      .map(({ text, fallback }) => readText(text) || readText(fallback)),
  };
}

function revokesBot({ tokens }: Record<string, unknown>): boolean {
  return isRecord(tokens) && Array.isArray(tokens.bot) && tokens.bot.length > 0;
}

function recordsOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function readText(value: unknown): string {
  return typeof value === "string" ? value.toWellFormed() : "";
}
