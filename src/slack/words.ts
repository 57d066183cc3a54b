// What a person wrote in Slack, as a model reads it: Slack's escapes and its marks for people, channels and links become
// plain words. All of it stays the person's words: data, whatever stands in it.
import { toTitle } from "../lib/title.ts";
import { cutMiddle } from "../lib/truncate.ts";
import type { SlackMessageEvent } from "./events.ts";

/** Slack's own bound for a message's text. */
const TEXT_CHARACTERS = 40_000;
const MOST_FILES = 20;
const MOST_FORWARDED = 5;
const NAME_CHARACTERS = 200;

/** Without the bot's mention, which only says whom it is for. */
export function toWords(text: string, bot_user_id: string | null): string {
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
 * The message of a run; empty where the person said nothing. Who wrote it is told unless it is who began the thread. The
 * same for every event that tells of one message.
 */
export function toContent(event: SlackMessageEvent, bot_user_id: string): string {
  const forwarded = event.forwarded
    .slice(0, MOST_FORWARDED)
    .map((text) => toWords(text, null))
    .filter((text) => text !== "")
    .map((text) => `Forwarded message:\n${text.replaceAll(/^/gm, "> ")}`);
  const said = [toWords(event.text, bot_user_id), ...forwarded].filter((text) => text !== "").join("\n\n");
  const files = event.files.slice(0, MOST_FILES).map((name) => JSON.stringify(name.slice(0, NAME_CHARACTERS)));
  if (said === "" && files.length === 0) return "";
  const notes = [
    ...(event.is_direct || event.begun_by === event.user_id ? [] : [`written by user ${event.user_id}`]),
    ...(files.length === 0 ? [] : [`files are attached, which can't be read here: ${files.join(", ")}`]),
  ];
  const cut = cutMiddle(said, TEXT_CHARACTERS, (omitted) => `\n[… ${omitted} characters are left out …]\n`);
  return [cut, ...(notes.length === 0 ? [] : [`[Slack: ${notes.join("; ")}]`])]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** What a thread is called that begins with it: only words of people, not our notes about them. Null without any. */
export function toSaidTitle({ text, forwarded }: SlackMessageEvent, bot_user_id: string): string | null {
  const said = [toWords(text, bot_user_id), ...forwarded.slice(0, MOST_FORWARDED).map((each) => toWords(each, null))];
  return toTitle(said.join("\n"));
}

/** `@U1`, `#C1|name`, `!here`, `https://x|label`: what stands between Slack's brackets. */
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
