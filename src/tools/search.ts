// Finds things in the sandbox: what a folder contains, which files have a name, which lines fit an expression.
import { z } from "zod";
import { lenientObject } from "../agent/calls/leniency.ts";
import { type FileInfo, type FileMatch, type FileSearch, SandboxError } from "../agent/sandbox.ts";
import { defineTool, type Tool, type ToolContext, type ToolResult } from "../agent/tool.ts";
import { cutEnd } from "../lib/truncate.ts";

// The first call of a run may have to create or start the sandbox.
const TIME_LIMIT_MS = 180_000;
// The most that a sandbox lists. A list of this length is probably incomplete.
const MAX_ENTRIES = 1_000;
const SHOWN_PATHS = 500;
const SHOWN_MATCHES = 200;
const SHOWN_LINE = 300;

const folder = z.string().min(1).default(".").describe("Folder to look in; the work dir if absent");
const pathAliases = { path: ["folder", "directory", "dir"] };
const searchTool = { kind: "work", read_only: true, recovery: "repeat", time_limit_ms: TIME_LIMIT_MS } as const;

const searchInput = lenientObject(
  {
    pattern: z.string().min(1),
    path: folder.describe("File or folder to look in; the work dir if absent"),
    glob: z.string().min(1).optional().describe("Only such files: *.ts, src/**/*.{ts,tsx}"),
    ignore_case: z.boolean().default(false),
    literal: z.boolean().default(false).describe("Plain text"),
  },
  {
    aliases: {
      path: [...pathAliases.path, "file_path", "file"],
      pattern: ["query", "regex", "text", "search"],
      glob: ["include", "file_pattern"],
      ignore_case: ["-i", "case_insensitive", "ignoreCase"],
      literal: ["fixed_strings", "fixed", "is_literal"],
    },
  },
);

export const searchTools: Tool[] = [
  defineTool({
    ...searchTool,
    name: "list_files",
    description: "List the files and folders in a folder, with sizes. To find a file by name: find_files.",
    schema: lenientObject(
      { path: folder, depth: z.int().min(1).max(10).default(1).describe("How many levels down") },
      { aliases: pathAliases },
    ),
    execute: async ({ path, depth }, { sandbox, signal }) => {
      const entries = await sandbox.listFiles(path, depth, signal);
      return { content: describeEntries(entries), is_error: false, details: { path, entries: entries.length } };
    },
  }),
  defineTool({
    ...searchTool,
    name: "find_files",
    description:
      "Find files by name, below the work dir; not by content. The pattern is a glob for the base name, such as *.test.ts; a folder may stand before it.",
    schema: lenientObject({ pattern: z.string().min(1) }, { aliases: { pattern: ["glob", "name"] } }),
    execute: async ({ pattern }, { sandbox, signal }) => {
      const target = splitPattern(pattern);
      if (!target) {
        const content = `The pattern ${JSON.stringify(cutEnd(pattern, 200))} has wildcards in its folders. Give a glob for the base name, such as *.ts or src/*.ts; folders are searched in depth.`;
        return { content, is_error: true };
      }
      const paths = await sandbox.findFiles(target.path, target.glob, signal);
      return showList(paths, SHOWN_PATHS, `No file fits ${target.glob}.`, { pattern, files: paths.length });
    },
  }),
  defineTool({
    ...searchTool,
    name: "search_files",
    description:
      "Find lines that fit a regular expression (such as \\bfoo\\(\\d+) in a file, or all below a folder except .git and node_modules.",
    schema: searchInput,
    execute: searchLines,
  }),
];

/** Without one of these a pattern means itself. */
const SPECIAL = /[\\^$.|?*+()[\]{}]/;

async function searchLines(
  { pattern, path, glob, ignore_case, literal }: z.infer<typeof searchInput>,
  { sandbox, signal }: ToolContext,
): Promise<ToolResult> {
  const search: FileSearch = {
    path,
    pattern,
    glob: glob ?? null,
    ignore_case,
    is_expression: !literal && SPECIAL.test(pattern),
  };
  let note: string | null = null;
  const found = await sandbox.searchFiles(search, signal).catch((error: unknown) => {
    if (!search.is_expression || !(error instanceof SandboxError) || error.code !== "invalid") throw error;
    note = `This is no valid expression (${error.message}), so it was searched for as plain text.`;
    return sandbox.searchFiles({ ...search, is_expression: false }, signal);
  });
  const notes = [note, found.problem].filter((each) => each !== null).map((each) => `(${each})`);
  const details = { query: cutEnd(pattern, SHOWN_LINE), path, matches: found.matches.length };
  const list = showList(found.matches.map(describeMatch), SHOWN_MATCHES, describeNone(search), details);
  return { ...list, content: [...notes, list.content].join("\n") };
}

function describeNone({ pattern, is_expression }: FileSearch): string {
  if (!is_expression) return "No line contains this text.";
  const hint = pattern.includes("\\|") ? " In it \\| is the sign itself; alternatives are written a|b." : "";
  return `No line fits this expression.${hint}`;
}

/** A glob for the base name, and the folder to search; null if the folder contains wildcards. */
function splitPattern(pattern: string): { path: string; glob: string } | null {
  const slash = pattern.lastIndexOf("/");
  const glob = pattern.slice(slash + 1);
  const path = slash === 0 ? "/" : pattern.slice(0, Math.max(0, slash)).replace(/(^|\/)\*\*$/, "");
  if (glob === "" || /[*?[{]/.test(path)) return null;
  return { path: path || (slash > 0 && pattern.startsWith("/") ? "/" : "."), glob };
}

function describeEntries(entries: FileInfo[]): string {
  if (entries.length === 0) return "(the folder is empty)";
  const lines = entries
    .toSorted((one, other) => (one.path < other.path ? -1 : 1))
    .map((entry) => (entry.is_dir ? `${entry.path}/` : `${entry.path}  ${entry.size} bytes`));
  if (entries.length >= MAX_ENTRIES)
    lines.push(`(only the first ${MAX_ENTRIES}; list a folder further down, or with less depth)`);
  return lines.join("\n");
}

// Characters that no text contains: NUL, most other control characters, and the character that replaces invalid UTF-8.
// A daemon looks for NUL in the first bytes of a file only.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const BINARY = /[\0-\x08\x0e-\x1a\x1c-\x1f\ufffd]/;

function describeMatch(match: FileMatch): string {
  const text = match.text.trimEnd();
  if (BINARY.test(text)) return `${match.path}:${match.line}: (in binary data, not shown)`;
  return `${match.path}:${match.line}: ${cutEnd(text, SHOWN_LINE)}${text.length > SHOWN_LINE ? "…" : ""}`;
}

function showList(lines: string[], limit: number, none: string, details: Record<string, unknown>): ToolResult {
  if (lines.length === 0) return { content: none, is_error: false, details };
  const more = lines.length - limit;
  const notice = more > 0 ? [`(${more} more left out; be more specific)`] : [];
  return { content: [...lines.slice(0, limit), ...notice].join("\n"), is_error: false, details };
}
