// Reads more of a long result: the thread keeps what a tool returned in full, and the model sees its start and end.
import { z } from "zod";
import { lenientObject } from "../agent/calls/leniency.ts";
import { defineTool, type Tool, type ToolContext, type ToolResult } from "../agent/tool.ts";
import { cutEnd } from "../lib/truncate.ts";
import { fenceAt, joinFenced, withFences } from "./web/fence.ts";

// This tool makes no request, so only a bug could take longer.
const TIME_LIMIT_MS = 10_000;
/**
 * About 5,000 tokens. This is well below a result's limit, so what is shown here is never cut and kept a second time.
 */
const MAX_SHOWN_CHARACTERS = 20_000;
const MAX_FOUND_LINES = 100;
/** For each line with a match: the text around the match is what helps. */
const LINE_SHOWN = 300;

const input = lenientObject(
  {
    result_id: z.string().trim().min(1).max(200).describe("The id that the notice in the cut result names"),
    offset: z.int().min(0).max(10_000_000).optional().describe("Character to begin at, 0 by default"),
    limit: z.int().min(1).max(10_000_000).optional().describe(`Characters to show, ${MAX_SHOWN_CHARACTERS} at most`),
    search: z.string().min(1).max(500).optional().describe("Show the lines that contain this text, with their offsets"),
  },
  { aliases: { result_id: ["id", "tool_call_id", "call_id"], search: ["query", "pattern"] } },
);

export const resultTools: Tool[] = [
  defineTool({
    name: "read_result",
    description:
      "Read on in an earlier result of this conversation whose middle was left out, from a character offset, or find the lines of it that contain a text. Not for files.",
    schema: input,
    kind: "memory",
    read_only: true,
    local: true,
    recovery: "repeat",
    time_limit_ms: TIME_LIMIT_MS,
    execute: async (given, context) => readResult(given, context),
  }),
];

function readResult(given: z.infer<typeof input>, context: ToolContext): ToolResult {
  const text = context.readResult(given.result_id);
  if (text === null) {
    return {
      content: `There is no result with the id ${JSON.stringify(cutEnd(given.result_id, 100))} in this conversation, or it is no longer kept. The id is that of the tool call, as the notice in the cut result names it. If the result is gone, call its tool again.`,
      is_error: true,
    };
  }
  const { offset = 0, search } = given;
  if (offset > 0 && offset >= text.length) {
    return { content: `The result has ${text.length} characters; offset ${offset} is after its end.`, is_error: true };
  }
  return search === undefined ? showPart(text, given) : showMatches(text, search, offset);
}

function showPart(text: string, { offset = 0, limit = MAX_SHOWN_CHARACTERS }: z.infer<typeof input>): ToolResult {
  // If the offset splits a surrogate pair, show the whole character.
  const start = offset > 0 && /[\udc00-\udfff]/.test(text.charAt(offset)) ? offset - 1 : offset;
  const shown = cutEnd(text.slice(start), Math.max(2, Math.min(limit, MAX_SHOWN_CHARACTERS)));
  const end = start + shown.length;
  const next = end < text.length ? `; to go on, call read_result with offset ${end}` : "";
  return {
    content: `${withFences(text, start, shown)}\n[characters ${start}-${end} of ${text.length}${next}]`,
    is_error: false,
    details: { offset: start, characters: shown.length, total: text.length },
  };
}

function showMatches(text: string, search: string, offset: number): ToolResult {
  const lines: { opening: string | null; line: string }[] = [];
  let at = text.indexOf(search, offset);
  let length = 0;
  while (at >= 0 && lines.length < MAX_FOUND_LINES && length < MAX_SHOWN_CHARACTERS) {
    const start = text.lastIndexOf("\n", at - 1) + 1;
    const found = text.indexOf("\n", at);
    const end = found < 0 ? text.length : found;
    const line = showLine(text, { start, at, end });
    lines.push({ opening: fenceAt(text, at), line });
    length += line.length;
    // A line shown in full counts as one match. In one very long line, the next match is further on.
    at = text.indexOf(search, Math.max(at + search.length, Math.min(end, at + LINE_SHOWN)));
  }
  if (lines.length === 0) {
    const where = offset > 0 ? ` after character ${offset}` : "";
    return { content: `${JSON.stringify(cutEnd(search, 100))} is not in this result${where}.`, is_error: false };
  }
  const more = at < 0 ? "" : `; there are more, to go on search again with offset ${at}`;
  return {
    content: `${joinFenced(lines)}\n[${lines.length} lines, each with the offset of what was found, of ${text.length} characters${more}]`,
    is_error: false,
    details: { lines: lines.length, total: text.length },
  };
}

/** The line or, if it is long, the text around the match. */
function showLine(text: string, { start, at, end }: { start: number; at: number; end: number }): string {
  const from = Math.max(start, at - LINE_SHOWN / 3);
  const shown = cutEnd(text.slice(from, end), LINE_SHOWN).toWellFormed();
  return `${at}: ${from > start ? "…" : ""}${shown}${from + shown.length < end ? "…" : ""}`;
}
