// Parses the slash command, and makes the replies that only the person who typed it sees.
import { z } from "zod";
import { slackId } from "./events.ts";
import { toPlainText } from "./message-text.ts";
import { escapeText } from "./show/questions.ts";

export interface SlackCommand {
  team_id: string;
  channel: string;
  user_id: string;
  /** The workspace of the person who typed it. */
  user_team_id: string;
  /** Unique to this command. */
  trigger_id: string;
  /** The command as it was typed, such as `/taskloom`. */
  command: string;
  /** Empty if the person only wants help. */
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

/** Well below the 40,000 characters of a Slack message, with room for the words around it. */
const SHOWN_CHARACTERS = 3_000;

/** Returns null if the form is not a command. */
export function readCommand(form: URLSearchParams): SlackCommand | null {
  const read = fields.safeParse(Object.fromEntries(form));
  if (!read.success) return null;
  const { team_id, channel_id: channel, user_id, trigger_id, command, text } = read.data;
  const request = toPlainText(text.toWellFormed(), null);
  const wantsHelp = /^(help|\?)?$/i.test(request);
  return { team_id, channel, user_id, user_team_id: team_id, trigger_id, command, request: wantsHelp ? "" : request };
}

/** The text that the whole channel sees. Its message starts the thread. */
export function announceCommand({ user_id, request }: SlackCommand): string {
  const shown = request.length > SHOWN_CHARACTERS ? `${request.slice(0, SHOWN_CHARACTERS).toWellFormed()}…` : request;
  return `<@${user_id}> asked: ${escapeText(shown)}`;
}

export function explainCommand(command: string): string {
  return [
    `\`${escapeText(command)} <request>\` begins a thread in this channel and works on the request there, for example \`${escapeText(command)} build me an online shop\`.`,
    "Mention me in a channel, or write to me directly, for the same. Replies in the thread continue the work.",
  ].join("\n");
}

/** A reply that only the person who typed the command sees. */
export function replyPrivately(text: string): Record<string, unknown> {
  return { response_type: "ephemeral", text };
}
