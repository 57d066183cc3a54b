// Whether a text is as a check says. A text of which only parts were kept proves what is in them, and never what is
// not.
import { isRecord } from "../../../lib/is-record.ts";
import { cutEnd } from "../../../lib/truncate.ts";
import type { CheckInput } from "../../../protocol/plan/check.ts";
import { readExpression } from "../expression.ts";

export interface Kept {
  /** Whole, or its head and its tail. */
  parts: string[];
  is_cut: boolean;
}

export interface TextConditions {
  contains?: string | undefined;
  excludes?: string | undefined;
  matches?: string | undefined;
}

type JsonCondition = NonNullable<Extract<CheckInput, { type: "file" }>["json"]>;

const SHOWN = 200;

/** What is not as it should be, as a sentence; null if all is. `what` begins it: "The output". */
export async function findTextFault(
  what: string,
  { contains, excludes, matches }: TextConditions,
  kept: Kept,
): Promise<string | null> {
  const cut = kept.is_cut ? `${what} is too long to be kept whole, and ` : "";
  if (contains !== undefined && !kept.parts.some((part) => part.includes(contains)))
    return `${cut ? `${cut}what was kept` : what} does not contain ${show(contains)}.`;
  if (excludes !== undefined) {
    const line = findLine(kept, excludes);
    if (line !== null) return `${what} contains ${show(excludes)}: ${show(line)}`;
    if (kept.is_cut) return `${cut}whether it contains ${show(excludes)} can't be determined. Let it print less.`;
  }
  return matches === undefined ? null : findMatchFault(what, matches, kept);
}

async function findMatchFault(what: string, matches: string, kept: Kept): Promise<string | null> {
  const expression = readExpression(matches);
  if (!expression.ok) return `The expression ${show(matches)} ${expression.why}.`;
  const found = await expression.matches(listLines(kept));
  if (found === true) return null;
  if (found === "too_long") return `The expression ${show(matches)} takes too long on this text.`;
  const cut = kept.is_cut ? " that was kept; it is too long to be kept whole" : "";
  return `No line of ${what.charAt(0).toLowerCase()}${what.slice(1)}${cut} matches ${show(matches)}.`;
}

/** Whole lines only: a part of one could match by luck. */
function* listLines({ parts, is_cut }: Kept): Iterable<string> {
  for (const [at, part] of parts.entries()) {
    const begins = !is_cut || at === 0;
    const ends = is_cut ? at > 0 : !part.endsWith("\n");
    let start = begins ? 0 : part.indexOf("\n") + 1;
    if (start === 0 && !begins) continue;
    for (let end = part.indexOf("\n", start); end >= 0; end = part.indexOf("\n", start)) {
      yield part.slice(start, end > start && part[end - 1] === "\r" ? end - 1 : end);
      start = end + 1;
    }
    if (ends) yield part.slice(start);
  }
}

function findLine({ parts }: Kept, text: string): string | null {
  for (const part of parts) {
    const at = part.indexOf(text);
    if (at < 0) continue;
    const start = part.lastIndexOf("\n", at) + 1;
    const end = part.indexOf("\n", at + text.length);
    return part.slice(start, end < 0 ? undefined : end);
  }
  return null;
}

export function findJsonFault(what: string, json: JsonCondition, { parts, is_cut }: Kept): string | null {
  if (is_cut) return `${what} is too long to be read as JSON.`;
  let value: unknown;
  try {
    value = JSON.parse(parts.join(""));
  } catch {
    return `${what} is no JSON.`;
  }
  const found = readJsonPath(value, json.path);
  if (found === undefined) return `The JSON has nothing at ${show(json.path)}.`;
  if (json.equals !== undefined && found.value !== json.equals)
    return `The JSON has ${show(found.value)} at ${show(json.path)}, not ${show(json.equals)}.`;
  if (json.min_items === undefined) return null;
  if (!Array.isArray(found.value)) return `The JSON has no list at ${show(json.path)}.`;
  const { length } = found.value;
  return length >= json.min_items
    ? null
    : `The list at ${show(json.path)} has ${length} items, fewer than ${json.min_items}.`;
}

/** Keys and indexes between dots; a dot alone is the whole. Undefined if there is nothing. */
export function readJsonPath(whole: unknown, path: string): { value: unknown } | undefined {
  let value = whole;
  if (path === "." || path === "") return { value };
  for (const key of path.split(".")) {
    const has = Array.isArray(value)
      ? /^(?:0|[1-9]\d*)$/.test(key) && Number(key) < value.length
      : isRecord(value) && Object.hasOwn(value, key);
    if (!has) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return { value };
}

/** A text of others within a sentence: quoted, short, on one line. */
export function show(value: unknown): string {
  const text = toJson(typeof value === "string" ? oneLine(value) : value);
  return text.length > SHOWN + 2 ? `${cutEnd(text, SHOWN)}…` : text;
}

/** JSON can be read deeper than it can be written. */
function toJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "nothing";
  } catch (error) {
    if (error instanceof RangeError) return Array.isArray(value) ? "a deep list" : "a deep object";
    throw error;
  }
}

export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colors and other control characters of a terminal
  const plain = text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "").replace(/[\x00-\x1f\x7f\s]+/g, " ");
  return cutEnd(plain.trim(), SHOWN);
}
