// Reads calls that are written as JSON, as of Hermes and Qwen: one object, several or a list. Where the JSON
// ends is decided character by character, without parsing it, so it may arrive in any pieces.

import { asRecord } from "../../lib/is-record.ts";
import { cutEnd } from "../../lib/truncate.ts";
import { parseJson } from "./types.ts";

export interface JsonScanner {
  /** Reads on from `at`; returns the position after what belongs to the JSON. */
  read(text: string, at: number): number;
  /** `broken`: a tag begins where JSON can have none. */
  readonly state: "open" | "whole" | "broken";
  /** The names of tools that may be called in it. */
  readonly names: readonly string[];
}

/** A tool's name has at most 64 characters. */
const MAX_NAME_CHARACTERS = 128;
/** A reply has at most 256 calls; more names are not looked at. */
const MAX_NAMES = 256;

export function createJsonScanner(): JsonScanner {
  let depth = 0;
  let isInside = false;
  let isEscaped = false;
  let state: JsonScanner["state"] = "open";
  let word = "";
  /** The string before the last colon. */
  let key = "";
  const names: string[] = [];

  function closeString(): void {
    isInside = false;
    if ((key === "name" || key === "function") && names.length < MAX_NAMES) names.push(toToolName(word));
    key = "";
  }

  function readInside(character: string): void {
    if (isEscaped) isEscaped = false;
    else if (character === "\\") isEscaped = true;
    else if (character === '"') closeString();
    if (isInside && word.length < MAX_NAME_CHARACTERS) word += character;
  }

  return {
    read(text, from) {
      let at = from;
      for (; at < text.length && state === "open"; at++) {
        const character = text.charAt(at);
        if (character === "<" && !isInside) {
          state = "broken";
          return at;
        }
        if (isInside) readInside(character);
        else if (character === '"') {
          isInside = true;
          word = "";
        } else if (character === ":") key = word;
        else if (character === "{" || character === "[") {
          depth++;
          key = "";
        } else if (character === "}" || character === "]") {
          depth--;
          if (depth === 0) state = "whole";
        }
      }
      return at;
    },
    get state() {
      return state;
    },
    names,
  };
}

/** `functions.f:0` is Kimi's id of a call of `f`. */
export function toToolName(written: string): string {
  return written
    .trim()
    .replace(/^(?:functions[.:])+/, "")
    .replace(/:\d+$/, "");
}

export interface WrittenCall {
  name: string;
  /** Null if they are no object. */
  input: Record<string, unknown> | null;
}

export type ReadCalls = { ok: true; calls: WrittenCall[] } | { ok: false; reason: string };

/** Limits what is quoted of a parser's reason. */
const MAX_REASON_CHARACTERS = 200;

/** Like `parseJson`, with a reason that may be quoted. */
export function readJson(text: string): ReturnType<typeof parseJson> {
  const parsed = parseJson(text);
  return parsed.ok ? parsed : { ok: false, reason: cutEnd(parsed.reason.toWellFormed(), MAX_REASON_CHARACTERS) };
}

export function readCalls(text: string): ReadCalls {
  const parsed = readJson(text);
  if (!parsed.ok) return parsed;
  const items = Array.isArray(parsed.value) ? parsed.value : [parsed.value];
  return { ok: true, calls: items.map(readCall) };
}

/** Accepts also OpenAI's form, in which `function` holds both. */
function readCall(value: unknown): WrittenCall {
  const outer = asRecord(value) ?? {};
  const item = asRecord(outer.function) ?? outer;
  const name = item.name ?? item.function;
  const given = item.arguments ?? item.parameters ?? item.args ?? {};
  return { name: typeof name === "string" ? name : "", input: readInput(given) };
}

function readInput(given: unknown): Record<string, unknown> | null {
  if (typeof given !== "string") return asRecord(given);
  if (given.trim() === "") return {};
  const parsed = parseJson(given);
  return parsed.ok ? asRecord(parsed.value) : null;
}
