// Picks: `{{$.issue.title}}` in a trigger's prompt is replaced by the payload's value at that path. A path has names
// after a dot, any name as `["a name"]`, and list indexes as `[0]`. Only the payload's own members are picked, never
// those that every JavaScript object inherits.
import { fail, type Result, succeed } from "../protocol/error.ts";

export interface Pick {
  /** The path as written, such as `$.issue.title`. */
  path: string;
  steps: (string | number)[];
}

/** The parts of a template, in order. */
export type Piece = string | Pick;

/** A prompt with more picks is a payload of its own. */
const MAX_PICKS = 50;
const MAX_STEPS = 32;

const step = /\.([\p{L}\p{N}_$-]+)|\[(\d{1,9})\]|\[("(?:[^"\\]|\\.)*")\]/uy;
const opening = /\{\{\s*(?=\$)/g;
const closing = /\s*\}\}/y;

/** Fails with `invalid_field`. `{{` begins a pick only before a `$`: a prompt may mention other templates. */
export function parseTemplate(template: string): Result<Piece[]> {
  const pieces: Piece[] = [];
  let position = 0;
  for (const { index, 0: opened } of template.matchAll(opening)) {
    // This one is inside a pick, in a quoted name.
    if (index < position) continue;
    const read = readPick(template, index + opened.length);
    if (read === null) return fail("invalid_field", `the pick at character ${index + 1} can't be read: ${example}`);
    if (pieces.filter((piece) => typeof piece !== "string").length >= MAX_PICKS) {
      return fail("invalid_field", `has more than ${MAX_PICKS} picks`);
    }
    if (index > position) pieces.push(template.slice(position, index));
    pieces.push(read.pick);
    position = read.end;
  }
  if (position < template.length) pieces.push(template.slice(position));
  return succeed(pieces);
}

/** A key is picks and text, or one bare pick such as `$.issue.number`. */
export function parseKey(key: string): Result<Piece[]> {
  const bare = key.startsWith("$") ? parseTemplate(`{{${key}}}`) : null;
  return bare?.ok && bare.value.length === 1 ? bare : parseTemplate(key);
}

const example = `write {{$.issue.title}}, {{$.items[0]["full name"]}} or {{$}}`;

function readPick(template: string, start: number): { pick: Pick; end: number } | null {
  const steps: (string | number)[] = [];
  let position = start + 1;
  for (let read = readStep(template, position); read !== null; read = readStep(template, position)) {
    steps.push(read.step);
    position = read.end;
    if (steps.length > MAX_STEPS) return null;
  }
  closing.lastIndex = position;
  if (!closing.test(template)) return null;
  return { pick: { path: template.slice(start, position), steps }, end: closing.lastIndex };
}

function readStep(template: string, position: number): { step: string | number; end: number } | null {
  step.lastIndex = position;
  const [, name, index, quoted] = step.exec(template) ?? [];
  const end = step.lastIndex;
  if (name !== undefined) return { step: name, end };
  if (index !== undefined) return { step: Number(index), end };
  const text = quoted === undefined ? null : readQuoted(quoted);
  return text === null ? null : { step: text, end };
}

function readQuoted(json: string): string | null {
  try {
    return JSON.parse(json) as string;
  } catch {
    return null;
  }
}

/** The payload's value at the path; undefined if there is none. */
export function pickFrom(payload: unknown, { steps }: Pick): unknown {
  let value = payload;
  for (const next of steps) {
    if (typeof value !== "object" || value === null) return undefined;
    if (Array.isArray(value) !== (typeof next === "number") || !Object.hasOwn(value, next)) return undefined;
    value = (value as Record<string | number, unknown>)[next];
  }
  return value;
}
