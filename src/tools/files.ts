// Files of the sandbox, one at a time. Only text reaches the prompt: for a file that is not UTF-8 or contains a NUL
// byte, the model gets its name and size only. Text is shown without line numbers, so that what the model copies from
// it into `edit_file` matches.
import { z } from "zod";
import { listPaths } from "../agent/calls/approvals.ts";
import { lenientObject } from "../agent/calls/leniency.ts";
import { SandboxError } from "../agent/sandbox.ts";
import { defineTool, type Tool, type ToolContext, type ToolResult } from "../agent/tool.ts";
import { cutEnd } from "../lib/truncate.ts";
import { applyEdit, MAX_FILE_BYTES, TOO_LARGE } from "./edits/edit.ts";

// The first call of a run may have to create or start the sandbox.
const TIME_LIMIT_MS = 180_000;
// About 8,000 tokens: most source files in full, and a page of a long one.
const SHOWN_CHARACTERS = 30_000;
// Leaves space for the notice after the text.
const OUTPUT_LIMIT = SHOWN_CHARACTERS + 1_000;

// Otherwise JSON Schema would name the largest integer there is.
const MAX_LINE = 10_000_000;

const path = z.string().min(1).describe("Relative to the work dir, or absolute");
const pathAliases = { path: ["file_path", "filename", "file", "filePath"] };
const fileTool = {
  kind: "work",
  time_limit_ms: TIME_LIMIT_MS,
  subjects: ({ path }: { path: string }) => listPaths(path),
} as const;

interface CreateInput {
  path: string;
  content: string;
}

const readInput = lenientObject(
  {
    path,
    start_line: z.int().min(1).max(MAX_LINE).optional().describe("First line to show, counted from 1"),
    end_line: z.int().min(1).max(MAX_LINE).optional().describe("Last line to show"),
  },
  { aliases: pathAliases },
);
const editInput = lenientObject(
  {
    path,
    old_string: z.string().describe("Exactly as in the file, long enough to be there once"),
    new_string: z.string(),
    replace_all: z.boolean().default(false),
  },
  {
    aliases: {
      ...pathAliases,
      old_string: ["old_text", "old_str", "oldString", "oldText"],
      new_string: ["new_text", "new_str", "newString", "newText"],
      replace_all: ["replaceAll", "allow_multiple"],
    },
  },
);

export const fileTools: Tool[] = [
  defineTool({
    ...fileTool,
    name: "create_file",
    description:
      "Write a text file: a new one, or all of an existing one anew. Missing folders are made. To change parts of a file, use edit_file.",
    schema: lenientObject(
      { path, content: z.string() },
      { aliases: { ...pathAliases, content: ["file_contents", "contents", "text"] } },
    ),
    read_only: false,
    recovery: "repeat",
    writes: ({ path, content }: CreateInput) => [{ path, text: content }],
    execute: createFile,
  }),
  defineTool({
    ...fileTool,
    name: "read_file",
    description:
      "Show a text file, or some lines of it. A long file is shown in part, with the line to go on from. To find text: search_files.",
    schema: readInput,
    read_only: true,
    recovery: "repeat",
    output_limit: OUTPUT_LIMIT,
    execute: readFile,
  }),
  defineTool({
    ...fileTool,
    name: "edit_file",
    description:
      "Replace a piece of text in a file. old_string must stand there exactly once, or replace_all be true. Not for a new file, nor for most of one: use create_file.",
    schema: editInput,
    read_only: false,
    recovery: "report",
    writes: ({ path, new_string }: z.infer<typeof editInput>) => [{ path, text: new_string }],
    execute: editFile,
  }),
  defineTool({
    ...fileTool,
    name: "delete_file",
    description: "Delete one file. For a folder use execute_command with rm -r.",
    schema: lenientObject({ path }, { aliases: pathAliases }),
    read_only: false,
    recovery: "report",
    writes: ({ path }) => [{ path, text: "" }],
    execute: async (input, { sandbox, signal }) => {
      await sandbox.deleteFile(input.path, false, signal);
      return { content: `Deleted ${input.path}.`, is_error: false, details: { path: input.path } };
    },
  }),
  defineTool({
    ...fileTool,
    name: "move_file",
    description: "Move or rename a file or a folder.",
    schema: lenientObject({ from: path, to: path }, { aliases: { from: ["source"], to: ["destination"] } }),
    read_only: false,
    recovery: "report",
    subjects: ({ from, to }) => listPaths(from, to),
    writes: ({ from, to }) => [from, to].map((path) => ({ path, text: null, is_tree: true })),
    execute: async ({ from, to }, { sandbox, signal }) => {
      await sandbox.moveFile(from, to, signal);
      return { content: `Moved ${from} to ${to}.`, is_error: false, details: { from, to } };
    },
  }),
];

async function createFile(input: CreateInput, { sandbox, signal }: ToolContext): Promise<ToolResult> {
  const bytes = new TextEncoder().encode(input.content);
  if (bytes.length > MAX_FILE_BYTES) return refuse(TOO_LARGE);
  await sandbox.writeFile(input.path, bytes, signal);
  const details = { path: input.path, bytes: bytes.length };
  return { content: `Wrote ${input.path} (${bytes.length} bytes).`, is_error: false, details };
}

async function readFile(input: z.infer<typeof readInput>, { sandbox, signal }: ToolContext): Promise<ToolResult> {
  const { start_line = 1, end_line } = input;
  if (end_line !== undefined && end_line < start_line) return refuse("end_line must not be before start_line.");
  const bytes = await readBytes(sandbox, input.path, signal);
  const text = decodeText(bytes);
  if (text === null) return refuse(`${input.path} is a binary file of ${bytes.length} bytes and can't be shown.`);
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const details = { path: input.path, bytes: bytes.length, lines: lines.length };
  if (lines.length === 0) return { content: "(the file is empty)", is_error: false, details };
  if (start_line > lines.length)
    return refuse(`start_line ${start_line} is after the end: the last line of ${input.path} is ${lines.length}.`);
  const content = showLines(lines, start_line, Math.min(end_line ?? lines.length, lines.length));
  return { content: content ?? text, is_error: false, details };
}

/** The lines that fit, and where to continue; null if the whole file fits. */
function showLines(lines: string[], first: number, last: number): string | null {
  let end = first - 1;
  let length = 0;
  while (end < last && length + (lines[end]?.length ?? 0) < SHOWN_CHARACTERS) {
    length += (lines[end]?.length ?? 0) + 1;
    end++;
  }
  if (end < first) {
    const line = lines[first - 1] ?? "";
    const next = first < lines.length ? ` Line ${first + 1} is shown with start_line ${first + 1}.` : "";
    return `${cutEnd(line, SHOWN_CHARACTERS)}\n[line ${first} of ${lines.length}, of which the first ${SHOWN_CHARACTERS} of ${line.length} characters are shown; execute_command with cut -c shows others.${next}]`;
  }
  if (first === 1 && end === lines.length) return null;
  const next = end < lines.length ? `; to go on, call read_file with start_line ${end + 1}` : "";
  return `${lines.slice(first - 1, end).join("\n")}\n[lines ${first}-${end} of ${lines.length}${next}]`;
}

async function editFile(input: z.infer<typeof editInput>, { sandbox, signal }: ToolContext): Promise<ToolResult> {
  const { path } = input;
  const text = decodeText(await readBytes(sandbox, path, signal));
  if (text === null) return refuse(`${path} is a binary file and can't be edited as text.`);
  const edit = applyEdit(text, input);
  if (!edit.ok) return refuse(edit.message);
  const bytes = new TextEncoder().encode(edit.text);
  if (bytes.length > MAX_FILE_BYTES) return refuse(TOO_LARGE);
  await sandbox.writeFile(path, bytes, signal);
  const where = edit.count === 1 ? `line ${edit.lines}` : `${edit.count} places, lines ${edit.lines}`;
  return {
    content: `Edited ${path} (${where}).${edit.note === null ? "" : ` ${edit.note}`}`,
    is_error: false,
    details: { path, bytes: bytes.length, replacements: edit.count },
  };
}

async function readBytes(sandbox: ToolContext["sandbox"], path: string, signal: AbortSignal): Promise<Uint8Array> {
  try {
    return await sandbox.readFile(path, signal);
  } catch (error) {
    if (!(error instanceof SandboxError) || error.code !== "too_large") throw error;
    throw new SandboxError(
      "too_large",
      `${error.message} execute_command with head, sed -n or grep shows parts of it.`,
    );
  }
}

/** The text, with its byte order mark if it has one; null if the bytes are not text. */
function decodeText(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function refuse(content: string): ToolResult {
  return { content, is_error: true };
}
