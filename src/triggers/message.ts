// Writes the message of a webhook's run: the owner's prompt with picks of the payload quoted in it, followed by the
// whole payload once. The tags are ours. No `<` of a sender survives inside them, so a sender can't end a quote. The
// system prompt says that text inside the tags is data.
import { toTitle } from "../lib/title.ts";
import { cutEnd, cutMiddle } from "../lib/truncate.ts";
import type { Payload } from "./payload.ts";
import { type Piece, parseKey, pickFrom } from "./picks.ts";

/** Enough for a title or a comment; the payload below has the rest. */
const PICK_CHARACTERS = 4000;

/** The largest payload that is accepted, unless much of it has to be escaped. */
const PAYLOAD_CHARACTERS = 300_000;

const TAG = "webhook_payload";

/** `payload` is null if a person runs the trigger without one; its picks are then empty. */
export function writeMessage(pieces: Piece[], payload: Payload | null, event: string | null): string {
  const prompt = pieces
    .map((piece) => (typeof piece === "string" ? piece : quotePick(piece.path, pickFrom(payload?.value, piece))))
    .join("");
  if (payload === null) return prompt;
  const { text, is_json } = payload;
  const shown = cutMiddle(
    escapeTags(is_json ? text : JSON.stringify(text)),
    PAYLOAD_CHARACTERS,
    (omitted) => `\n… (${omitted} characters left out) …\n`,
  );
  const called = event === null ? "The webhook's payload" : `The payload of the webhook's event ${event}`;
  return `${prompt}\n\n${called}, as data:\n<${TAG}>\n${shown}\n</${TAG}>`;
}

/**
 * The title of a thread that begins with this run: the prompt with its picks in plain text, since a title needs no
 * quotes.
 */
export function writeTitle(pieces: Piece[], payload: Payload | null): string | null {
  const said = pieces.map((piece) => (typeof piece === "string" ? piece : nameValue(pickFrom(payload?.value, piece))));
  return toTitle(said.join(""));
}

/** Joined into one line, since it is part of a line of the prompt. */
function nameValue(value: unknown): string {
  const text = typeof value === "string" ? value : value === undefined ? "" : (writeJson(value) ?? "");
  return toTitle(text.replaceAll(/\s+/g, " ")) ?? "";
}

/** For a trigger without a key of its own: the payload's `key`, or GitHub's issue or pull request. */
const defaultKeys = [
  "{{$.key}}",
  ...["issue", "pull_request"].map((it) => `{{$.repository.full_name}}#{{$.${it}.number}}`),
];

/** The key of a `per_key` trigger for this payload; null if one of its picks finds nothing. */
export function readThreadKey(key: string | null, payload: Payload | null): string | null {
  for (const template of key === null ? defaultKeys : [key]) {
    const pieces = parseKey(template);
    const found = pieces.ok ? fillKey(pieces.value, payload) : null;
    if (found !== null) return found;
  }
  return null;
}

function fillKey(pieces: Piece[], payload: Payload | null): string | null {
  const parts = pieces.map((piece) => {
    if (typeof piece === "string") return piece;
    const value = pickFrom(payload?.value, piece);
    if (value === undefined || value === null || value === "") return null;
    return typeof value === "string" ? value : writeJson(value);
  });
  return parts.includes(null) ? null : parts.join("");
}

function quotePick(path: string, value: unknown): string {
  const name = escapeTags(JSON.stringify(path));
  return `<${TAG} path=${name}>${value === undefined ? "" : showValue(value)}</${TAG}>`;
}

function showValue(value: unknown): string {
  const json = writeJson(value);
  if (json === null) return "(nested too deeply to be shown)";
  const shown = cutEnd(json, PICK_CHARACTERS);
  const left = json.length - shown.length;
  return escapeTags(shown) + (left > 0 ? `… (${left} characters left out)` : "");
}

/** Null if the value is nested deeper than the stack. */
function writeJson(value: unknown): string | null {
  try {
    return JSON.stringify(value);
  } catch {
    return null;
  }
}

/** In JSON, `<` and `>` occur only inside strings, where the escape means the same. */
function escapeTags(json: string): string {
  return json.replaceAll("<", "\\u003c").replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}
