// Reads a tool's result. Each server words results in its own way, so this looks for what they have in common: an exit
// code, an error in front, a link, a plan as JSON.
import { isPlanResult } from "./plan.ts";
import { isRecord } from "./wire.ts";

export interface Result {
  ok: boolean;
  text: string;
  /** A person was asked for approval or an answer, and declined or said nothing. The call is not tried again. */
  declined?: boolean;
  /** The call was not made because a call before it waits for a person. It must be made again. */
  deferred?: boolean;
}

// Results may be as long as a request; what the script looks for is near the start or the end.
const MAX_READ = 8000;

// Phrases of tools that could not do what they were asked. Matched at the start only, and never in the content of a
// file or folder.
const failing =
  /\b(?:errors?|fail(?:ed|ure|s)?|not (?:found|possible|allowed|executed|offered|available)|can't|cannot|could ?n[o']t|no such|no result|denied|refused|unavailable|unknown|invalid|interrupted|cancell?ed|timed? ?out|time limit|too (?:large|long|many)|does not exist|is gone|binary file|nothing (?:was|would|to) change)|错误|失败|出错|无法|超时|不存在/i;
const START = 300;

// A server's words for a person's decision are at the very start; further on the text may be anything, such as a file's
// content.
const declining =
  /^\W{0,4}(?:(?:error|declined)\W{1,3})?the (?:person|user) (?:has )?(?:declined|rejected|refused|denied|did not (?:approve|allow|answer))\b/i;
const deferring = /^not executed:[^\n]*\bcall it again\b/i;
// Precedes the result of a call that a person changed.
const changing = /^\(The person approved this call with other arguments: [^\n]*\n/;

export function readResult(name: string, answer: string): Result {
  const whole = answer.replace(changing, "");
  if (declining.test(whole.slice(0, START))) return { ok: false, text: whole.slice(0, MAX_READ), declined: true };
  if (deferring.test(whole.slice(0, START))) return { ok: false, text: whole.slice(0, MAX_READ), deferred: true };
  const text = whole.length > 2 * MAX_READ ? `${whole.slice(0, MAX_READ)}\n${whole.slice(-MAX_READ)}` : whole;
  if (/^(?:create|update|view|delete)_tasks$/.test(name)) return { ok: isPlanResult(whole), text };
  if (name === "execute_command") {
    const code = /exit[_ ]?code"?[:= ]{0,3}(-?\d{1,5})/i.exec(text)?.[1];
    if (code !== undefined) return { ok: code === "0", text };
    if (/still running/i.test(text.slice(0, START))) return { ok: true, text };
  }
  // A page may have any words.
  if (name === "web_search") return { ok: /^(?:<web_content |No results\b)/.test(whole), text };
  if (name === "fetch_url") return { ok: /^\[\d{1,6}\] https?:/.test(whole), text };
  const isContent = name === "read_file" || name === "list_files" || name === "ask";
  return { ok: isContent ? !/^\W{0,4}error\b/i.test(text) : !isFailure(text), text };
}

function isFailure(text: string): boolean {
  const value = parseJson(text);
  if (isRecord(value)) return Boolean(value.error) || value.ok === false || value.is_error === true;
  return failing.test(text.slice(0, START));
}

export function findUrl(text: string): string | null {
  return /https?:\/\/[^\s"'<>\\)\]}]+/.exec(text)?.[0] ?? null;
}

/** A result as one short line, for use in a sentence. */
export function excerpt(text: string, length = 200): string {
  const line = text
    .slice(0, 4 * length)
    .replace(/\s+/g, " ")
    .trim();
  const points = [...line];
  return points.length > length ? `${points.slice(0, length).join("")}…` : line;
}

function parseJson(text: string): unknown {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
