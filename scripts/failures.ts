// Reads from a vitest report what failed, to be shown again at the end: of a long output, only the last part is kept.
import { join, relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { countReport } from "./count.ts";

export interface Failure {
  /** `unit › src/lib/log.test.ts › describe › test`, or the title of a step. */
  name: string;
  /** The first lines of the error. */
  reason: string;
}

/** Thirty failures fill a screen or two. If more fail, they mostly have one cause. */
const MAX_SHOWN = 30;
const MAX_CHARACTERS = 600;

/** A file that failed outside its tests, and a project that broke without a failing test, count as a failure too. */
export function findFailures(report: string, project: string, root: string, exitCode: number): Failure[] {
  const found = parseFiles(report).flatMap(({ name, status, message, assertionResults: tests = [] }): Failure[] => {
    const file = `${project} › ${relative(root, name ?? join(root, "a file without a name"))}`;
    const failed = tests.filter((test) => test.status === "failed");
    const own = status === "failed" && (failed.length === 0 || (message ?? "") !== "") ? [message] : [];
    return [
      ...own.map((reason) => ({ name: file, reason: reason || "It failed outside its tests." })),
      ...failed.map(({ ancestorTitles = [], title = "", failureMessages = [] }) => ({
        name: [file, ...ancestorTitles.filter((part) => part !== ""), title].join(" › "),
        reason: failureMessages[0] ?? "",
      })),
    ];
  });
  if (found.length > 0 || countReport(report, exitCode).failed === 0) return found;
  return [{ name: project, reason: `It ended with exit code ${exitCode}, and no test of it failed.` }];
}

/** The text to print, or an empty one. The places in the code are left out: they are in the output above. */
export function showFailures(failures: Failure[]): string {
  if (failures.length === 0) return "";
  const shown = failures.slice(0, MAX_SHOWN).map(({ name, reason }) => {
    const [error = ""] = stripVTControlCharacters(reason).split(/\n\s+at /);
    const lines = [name, ...error.trim().split("\n")].map((line) => line.trimEnd()).filter((line) => line !== "");
    return cut(lines.join("\n    "));
  });
  const left = failures.length - shown.length;
  return ["\n— what failed", ...shown, ...(left > 0 ? [`and ${left} more`] : []), ""].join("\n");
}

function cut(text: string): string {
  return text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS - 1)}…`;
}

interface FileReport {
  name?: string;
  status?: string;
  message?: string;
  assertionResults?: { ancestorTitles?: string[]; title?: string; status?: string; failureMessages?: string[] }[];
}

function parseFiles(report: string): FileReport[] {
  try {
    const value = JSON.parse(report) as { testResults?: FileReport[] } | null;
    return value?.testResults ?? [];
  } catch {
    return [];
  }
}
