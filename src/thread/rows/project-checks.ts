// The project's own checks as this thread knows them: a row of `meta`, so that a later life and a person's edit know them
// without the sandbox.
import type { ProjectCheck } from "../../agent/checks/project/file.ts";
import { isRecord } from "../../lib/is-record.ts";
import type { ProtectedFile } from "../../protocol/plan/check.ts";
import { isList, isText, isTextOrNull, shapeOf } from "../../store/shapes/stored.ts";
import { readMeta, type Sql, writeMeta } from "./database.ts";

const KEY = "project_checks";

/** What a file says. */
export interface FileChecks {
  /** SHA-256 of its text. */
  hash: string;
  checks: ProjectCheck[];
  /** Their protected files, as they were where and when the file was read. */
  files: ProtectedFile[];
  /** Why it makes no checks, in a sentence; null if it can be read. */
  problem: string | null;
}

export interface StoredProject {
  /** The sandbox whose checkout it is. */
  sandbox: string;
  folder: string;
  /** What was cloned for the person. Null if that is not known. */
  commit: string | null;
  /** What counts; null if the commit has no file and a person has accepted none. */
  file: FileChecks | null;
  /** The file as it is now, if it differs from what counts. It counts once a person has accepted it. */
  pending: FileChecks | null;
}

export function readProject(sql: Sql): StoredProject | null {
  return readMeta(sql, KEY, shapeOf(isStored));
}

/** Inside a transaction. */
export function writeProject(sql: Sql, project: StoredProject): void {
  writeMeta(sql, KEY, project);
}

function isStored(value: unknown): value is StoredProject {
  if (!isRecord(value) || !isText(value.sandbox) || !isText(value.folder) || !isTextOrNull(value.commit)) return false;
  return isFileOrNull(value.file) && isFileOrNull(value.pending);
}

function isFileOrNull(value: unknown): value is FileChecks | null {
  if (value === null) return true;
  if (!isRecord(value) || !isText(value.hash) || !isTextOrNull(value.problem)) return false;
  return isList(value.checks, isCheck) && isList(value.files, isProtected);
}

function isCheck(value: unknown): value is ProjectCheck {
  return isRecord(value) && isRecord(value.spec) && (value.paths === null || isList(value.paths, isText));
}

function isProtected(value: unknown): value is ProtectedFile {
  if (!isRecord(value) || !isText(value.path) || !isTextOrNull(value.hash)) return false;
  return value.files === undefined || Number.isSafeInteger(value.files);
}
