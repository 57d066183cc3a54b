// Turns a message from Slack into text for a model: Slack's escapes and its markup for people, channels and links
// become plain text. All of it remains the person's text: data, never instructions.
import { toTitle } from "../lib/title.ts";
import { cutMiddle } from "../lib/truncate.ts";
import type { SlackMessageEvent } from "./events.ts";

/** Slack's own limit for a message's text. */
const TEXT_CHARACTERS = 40_000;
const MAX_FILES = 20;
const MAX_FORWARDED = 5;
const NAME_CHARACTERS = 200;

/** Removes the bot's mention, which only addresses the message. */
export function toPlainText(text: string, bot_user_id: string | null): string {
  const plain = text.replaceAll(/<([^<>]*)>/g, (_mark, inner: string) => readMark(inner, bot_user_id));
  const lines = unescapeText(plain).split("\n");
  return lines
    .map((line) => line.trimEnd())
    .join("\n")
    .trim();
}

export function mentions(text: string, user_id: string): boolean {
  return text.includes(`<@${user_id}>`) || text.includes(`<@${user_id}|`);
}

/**
 * The user message of a run; empty if the person wrote nothing. It names the writer, unless the writer started the
 * thread. All events of one message give the same text.
 */
export function toContent(event: SlackMessageEvent, bot_user_id: string): string {
  const forwarded = event.forwarded
    .slice(0, MAX_FORWARDED)
    .map((text) => toPlainText(text, null))
    .filter((text) => text !== "")
    .map((text) => `Forwarded message:\n${text.replaceAll(/^/gm, "> ")}`);
  const written = [toPlainText(event.text, bot_user_id), ...forwarded].filter((text) => text !== "").join("\n\n");
  const files = event.files.slice(0, MAX_FILES).map((name) => JSON.stringify(name.slice(0, NAME_CHARACTERS)));
  if (written === "" && files.length === 0) return "";
  const notes = [
    ...(event.is_direct || event.started_by === event.user_id ? [] : [`written by user ${event.user_id}`]),
    ...(files.length === 0 ? [] : [`files are attached, which can't be read here: ${files.join(", ")}`]),
  ];
  const cut = cutMiddle(written, TEXT_CHARACTERS, (omitted) => `\n[… ${omitted} characters are left out …]\n`);
  return [cut, ...(notes.length === 0 ? [] : [`[Slack: ${notes.join("; ")}]`])]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** The title of a thread that starts with this message: people's words without our notes. Null if there are none. */
export function toMessageTitle({ text, forwarded }: SlackMessageEvent, bot_user_id: string): string | null {
  const written = [
    toPlainText(text, bot_user_id),
    ...forwarded.slice(0, MAX_FORWARDED).map((each) => toPlainText(each, null)),
  ];
  return toTitle(written.join("\n"));
}

/** Converts what is between Slack's angle brackets: `@U1`, `#C1|name`, `!here`, `https://x|label`. */
function readMark(inner: string, bot_user_id: string | null): string {
  const bar = inner.indexOf("|");
  const target = bar < 0 ? inner : inner.slice(0, bar);
  const label = bar < 0 ? "" : inner.slice(bar + 1);
  const name = label || target.slice(1);
  if (target.startsWith("@")) return target.slice(1) === bot_user_id ? "" : `@${name}`;
  if (target.startsWith("#")) return `#${name}`;
  if (target.startsWith("!")) return readCommand(target.slice(1), label);
  const address = target.replace(/^mailto:/, "");
  return label === "" || label === target || label === address ? address : `${label} (${address})`;
}

function readCommand(command: string, label: string): string {
  const [name = ""] = command.split("^");
  if (name === "date") return label;
  const shown = label || name;
  return shown.startsWith("@") ? shown : `@${shown}`;
}

function unescapeText(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
