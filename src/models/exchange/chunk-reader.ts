// Parses the chunks of a reply. Nearly all chunks of most servers are the one before with another token in it. Where
// that is so, only the token is read: parsing the rest again would cost more than everything else that a token takes.
import { isRecord } from "../../lib/is-record.ts";

/** A chunk without its token. */
interface Frame {
  before: string;
  after: string;
  /** The chunk, whose `delta` gets the token of each chunk that fits. */
  chunk: unknown;
  delta: Record<string, unknown>;
  field: string;
  uses: number;
}

/** Texts and thoughts, by the names that servers have for them. */
const fields = ["content", "reasoning_content", "reasoning"];
/** Some servers change something else in each chunk: they get no more frames. */
const MAX_USELESS_FRAMES = 4;
/** V8 copies shorter parts of a string. A longer one would keep the whole read in memory for as long as the reply. */
const MAX_COPIED_CHARACTERS = 12;
/** What JSON writes in another way, or does not permit in a string. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const special = /["\\\u0000-\u001f]/;

/**
 * Returns a function that gives what `JSON.parse` gives, and throws as it does. A value is valid until the next call: it
 * may be the same object with another token.
 */
export function createChunkReader(): (data: string) => unknown {
  let frame: Frame | null = null;
  let useless = 0;

  function readInFrame(data: string, { before, after }: Frame): string | null {
    const end = data.length - after.length;
    // V8 compares two whole strings faster than `startsWith` does.
    if (end < before.length || data.slice(0, before.length) !== before || data.slice(end) !== after) return null;
    return readText(data.slice(before.length, end));
  }

  return (data) => {
    const text = frame === null ? null : readInFrame(data, frame);
    if (frame !== null && text !== null) {
      frame.uses++;
      frame.delta[frame.field] = text;
      return frame.chunk;
    }
    const chunk: unknown = JSON.parse(data);
    if (useless >= MAX_USELESS_FRAMES) return chunk;
    if (frame !== null) useless = frame.uses === 0 ? useless + 1 : 0;
    frame = findFrame(data, chunk);
    return chunk;
  };
}

/** The text that was written between quotes; null if it is no JSON there. */
function readText(written: string): string | null {
  if (written.length <= MAX_COPIED_CHARACTERS && !special.test(written)) return written;
  try {
    const text: unknown = JSON.parse(`"${written}"`);
    return typeof text === "string" ? text : null;
  } catch {
    return null;
  }
}

function findFrame(data: string, chunk: unknown): Frame | null {
  const delta = readDelta(chunk);
  if (delta === null) return null;
  // What is more than a text may be kept as it is.
  if (Object.values(delta).some((value) => typeof value === "object" && value !== null)) return null;
  const field = fields.find((each) => typeof delta[each] === "string" && delta[each] !== "");
  if (field === undefined) return null;
  const written = `"${field}":${JSON.stringify(delta[field])}`;
  const at = data.indexOf(written);
  if (at < 0) return null;
  const before = data.slice(0, at + field.length + 4);
  const after = data.slice(at + written.length - 1);
  // The place that was found is the token's only if another one there changes it.
  const other = readDelta(JSON.parse(`${before}${PROBE}${after}`));
  return other?.[field] === PROBE ? { before, after, chunk, delta, field, uses: 0 } : null;
}

const PROBE = "another token";

function readDelta(chunk: unknown): Record<string, unknown> | null {
  const choices = isRecord(chunk) ? chunk.choices : null;
  const choice: unknown = Array.isArray(choices) ? choices[0] : null;
  return isRecord(choice) && isRecord(choice.delta) ? choice.delta : null;
}
