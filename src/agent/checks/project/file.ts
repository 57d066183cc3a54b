// The project's own checks: `.taskloom/checks.yml` of its repository. Whoever may push to the repository wrote the
// file, so it is read as strictly as a request: bounded, without anchors, aliases and tags, and with no name that is
// not known. A file that can't be read makes no checks and stops nothing: the model and people read what is wrong.
import { z } from "zod";
import { isRecord } from "../../../lib/is-record.ts";
import { cutEnd } from "../../../lib/truncate.ts";
import type { CheckInput } from "../../../protocol/plan/check.ts";
import { late } from "../../../protocol/schemas/late.ts";
import { handOf, makeChecks } from "../make.ts";
import { findGlobFault } from "./globs.ts";

export const PROJECT_FILE = ".taskloom/checks.yml";

export const MAX_FILE_BYTES = 64 * 1024;
/** All of them may apply to one task, and run within its five minutes. */
const MAX_CHECKS = 16;
const MAX_PATHS = 20;
/** A list of checks with a list of paths or a condition in it. */
const MAX_DEPTH = 10;

export interface ProjectCheck {
  /** With paths relative to the work dir, as in other checks. */
  spec: CheckInput;
  /** Globs, relative to the checkout: it is for tasks that change one of these files. Null: for each task. */
  paths: string[] | null;
}

export type ReadFile = { ok: true; checks: ProjectCheck[] } | { ok: false; message: string };

/** Shorthands, in the order in which they run. They are for tasks that change any file. */
const commands = ["build", "lint", "test"] as const;

const top = late(() =>
  z.strictObject({
    version: z.literal(1),
    build: z.unknown().optional(),
    lint: z.unknown().optional(),
    test: z.unknown().optional(),
    checks: z.array(z.record(z.string(), z.unknown())).optional(),
  }),
);
const scope = late(() =>
  z.union([
    z.object({ always: z.literal(true), paths: z.undefined().optional() }),
    z.object({ always: z.undefined().optional(), paths: z.array(z.string().min(1).max(200)).min(1).max(MAX_PATHS) }),
  ]),
);

/** `folder`: of the checkout, relative to the work dir; empty if it is the work dir. */
export async function readProjectFile(text: string, folder: string): Promise<ReadFile> {
  const bytes = new TextEncoder().encode(text).byteLength;
  if (bytes > MAX_FILE_BYTES) return refuse(`it has ${bytes} bytes, more than ${MAX_FILE_BYTES}`);
  // The parser is loaded for the first file: most projects have none.
  const { parseYaml } = await import("./yaml.ts");
  const parsed = parseYaml(text, MAX_DEPTH);
  if ("why" in parsed) return refuse(parsed.why);
  const read = top().safeParse(parsed.value);
  if (!read.success) return refuse(describeIssue(read.error.issues[0]));
  const { checks = [], version: _, ...shorthands } = read.data;
  const listed: Listed[] = [
    ...commands.flatMap((name) => {
      const given = shorthands[name];
      return given === undefined ? [] : [{ name, check: toCommand(given), paths: ["**"] as string[] | null }];
    }),
  ];
  for (const [at, { paths, always, ...check }] of checks.entries()) {
    const name = `checks[${at}]`;
    const scoped = scope().safeParse({ paths, always });
    if (!scoped.success) return refuse(`${name} needs either paths, a list of globs, or always: true`);
    listed.push({
      name,
      check: check.type === undefined ? { type: "command", ...check } : check,
      paths: scoped.data.paths ?? null,
    });
  }
  if (listed.length > MAX_CHECKS) return refuse(`it has ${listed.length} checks, more than ${MAX_CHECKS}`);
  return makeAll(listed, folder);
}

interface Listed {
  name: string;
  check: unknown;
  paths: string[] | null;
}

function makeAll(listed: readonly Listed[], folder: string): ReadFile {
  const checks: ProjectCheck[] = [];
  for (const { name, check, paths } of listed) {
    for (const glob of paths ?? []) {
      const fault = findGlobFault(glob);
      if (fault !== null) return refuse(`${name}: the path ${quote(glob)} ${fault}`);
    }
    const made = makeChecks([check], handOf("project"));
    if (!made.ok) return refuse(`${name}: ${made.message.replace(/^Check 1, /, "").replace(/\.$/, "")}`);
    for (const { spec } of made.checks) checks.push({ spec: within(spec, folder), paths });
  }
  return { ok: true, checks };
}

/** A text, or a command's fields. */
function toCommand(given: unknown): unknown {
  if (typeof given === "string") return { type: "command", run: given };
  return isRecord(given) ? { type: "command", ...given } : given;
}

/** The file speaks of its own checkout, a check of the work dir. */
function within(spec: CheckInput, folder: string): CheckInput {
  if (folder === "") return spec;
  const place = (path: string) => `${folder}/${path}`;
  const files = "protected" in spec && spec.protected ? { protected: spec.protected.map(place) } : {};
  const cwd = "cwd" in spec && spec.cwd !== undefined ? place(spec.cwd) : folder;
  switch (spec.type) {
    case "command":
      return { ...spec, ...files, cwd };
    case "file":
      return { ...spec, path: place(spec.path) };
    case "http": {
      const { start } = spec;
      return {
        ...spec,
        ...files,
        ...(start && { start: { ...start, cwd: start.cwd === undefined ? folder : place(start.cwd) } }),
      };
    }
    case "git":
      return { ...spec, cwd };
    case "person":
      return spec;
  }
}

function describeIssue(issue: { path: PropertyKey[]; message: string } | undefined): string {
  const place = issue?.path.map(String).join(".") ?? "";
  const message = (issue?.message ?? "it can't be read").replace(/\.$/, "");
  return place === "" ? message : `${place}: ${message}`;
}

function quote(text: string): string {
  return JSON.stringify(cutEnd(text, 100));
}

/** Texts of the file in it are data: quoted, and short. */
function refuse(why: string): { ok: false; message: string } {
  return { ok: false, message: `${PROJECT_FILE} is not used: ${cutEnd(why.toWellFormed(), 500)}.` };
}
