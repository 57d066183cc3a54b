// The slash command: what a person asked for with it, and what is said back to that person alone.
import { z } from "zod";
import { slackId } from "./events.ts";
import { escapeText } from "./show/questions.ts";
import { toWords } from "./words.ts";

export interface SlackCommand {
  team_id: string;
  channel: string;
  user_id: string;
  /** Of who typed it. */
  user_team_id: string;
  /** Tells it from every other. */
  trigger_id: string;
  /** As it was typed, `/taskloom`. */
  command: string;
  /** Empty where only help is wanted. */
  request: string;
}

const fields = z.object({
  team_id: slackId,
  channel_id: slackId,
  user_id: slackId,
  trigger_id: z.string().min(1).max(500),
  command: z.string().max(100).default("/taskloom"),
  text: z.string().default(""),
});

/** A message holds 40,000 characters, and words of ours stand around it. */
const SHOWN_CHARACTERS = 3_000;

/** Null for what is no command. */
export function readCommand(form: URLSearchParams): SlackCommand | null {
  const read = fields.safeParse(Object.fromEntries(form));
  if (!read.success) return null;
  const { team_id, channel_id: channel, user_id, trigger_id, command, text } = read.data;
  const request = toWords(text.toWellFormed(), null);
  const wantsHelp = /^(help|\?)?$/i.test(request);
  return { team_id, channel, user_id, user_team_id: team_id, trigger_id, command, request: wantsHelp ? "" : request };
}

/** What the whole channel sees, and what the thread hangs on. */
export function announceCommand({ user_id, request }: SlackCommand): string {
  const shown = request.length > SHOWN_CHARACTERS ? `${request.slice(0, SHOWN_CHARACTERS).toWellFormed()}…` : request;
  return `<@${user_id}> asked: ${escapeText(shown)}`;
}

export function explainCommand(command: string): string {
  return [
    `\`${escapeText(command)} <request>\` begins a thread in this channel and works on the request there, for example \`${escapeText(command)} build me an online shop\`.`,
    "Mention me in a channel, or write to me directly, for the same. Replies in the thread go on with the work.",
  ].join("\n");
}

/** What only the one who typed the command sees. */
export function replyPrivately(text: string): Record<string, unknown> {
  return { response_type: "ephemeral", text };
}
