// Makes checks of what somebody wrote: cleaned, and refused in words that name the check and the right form. What a
// check protects is hashed later, where its files are.
import { isRecord } from "../../lib/is-record.ts";
import { whyNotPublic } from "../../lib/public-url.ts";
import { cutEnd } from "../../lib/truncate.ts";
import { newId } from "../../protocol/ids.ts";
import { type Check, type CheckAuthor, type CheckInput, checkInput, checkTypes } from "../../protocol/plan/check.ts";
import { hasText } from "./describe.ts";
import { recognizeEmpty } from "./empty/empty-check.ts";
import { compileWork, readExpression } from "./expression.ts";
import { canonicalSpec } from "./spec.ts";

/** Who writes, and how their checks get ids. Tests pass their own. */
export interface Hand {
  author: CheckAuthor;
  makeCheckId: () => string;
  /** A person has agreed to what the model removes. */
  may_weaken?: boolean;
  /** The person has agreed to what the model wrote. A check that can't fail stays the model's all the same. */
  agrees?: boolean;
  /** What one request may still have read, of `READ_WORK`. */
  work: { left: number };
}

/**
 * 140 ms at most: a check takes 20 units to read, its expression one for each instruction, and a check that is read
 * already two for each task. A plan has room for 240 checks.
 */
const READ_WORK = 40_000;
const CHECK_WORK = 20;

/** One hand is for one request. */
export function handOf(author: CheckAuthor, more: Partial<Omit<Hand, "author" | "work">> = {}): Hand {
  return { author, makeCheckId: () => newId("chk"), ...more, work: { left: READ_WORK } };
}

/**
 * Makes the same ids each time, so that a call which is made again, on a changed plan or by a later life, means the checks
 * that have run. Call ids are unique in a thread.
 */
export function idsOfCall(call_id: string): () => string {
  const mark = [2_166_136_261, 3_141_592_653].map((seed) => hash(call_id, seed).toString(36).padStart(7, "0")).join("");
  let count = 0;
  return () => `chk_${mark}_${++count}`;
}

/** The same for the same text of the same task, so that a person's removal holds when the project's checks come again. */
export function projectCheckId(task_id: string, spec: CheckInput): string {
  return idsOfCall(`${task_id} ${canonicalSpec(spec)}`)();
}

/** FNV-1a. */
function hash(text: string, seed: number): number {
  let value = seed;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 16_777_619);
  return value >>> 0;
}

export type MadeChecks = { ok: true; checks: Check[] } | { ok: false; message: string };

const forms: Record<string, string> = {
  command: '{"type":"command","run":"npm test","exit_code":0,"contains":"0 failed"}',
  file: '{"type":"file","path":"shop/server.js","contains":"/api/cart"}',
  http: '{"type":"http","port":3000,"path":"/api/products","status":200}',
  git: '{"type":"git","clean":true}',
  person: '{"type":"person","question":"Is the page readable on a phone?"}',
};

/** How much of a check that can't be read is quoted. */
const QUOTED_CHARACTERS = 200;

type Spec = { spec: CheckInput } | { fault: string };

/** By what somebody wrote: an operation may give one check to 500 tasks, and several rules look at one call. */
const known = new WeakMap<object, Spec>();

export function makeChecks(inputs: readonly unknown[], { author, makeCheckId, agrees, work }: Hand): MadeChecks {
  const checks: Check[] = [];
  for (const [at, input] of inputs.entries()) {
    const read = readSpec(input, work);
    if (work.left < 0) return { ok: false, message: TOO_MUCH };
    if ("fault" in read) {
      const quoted = cutEnd(JSON.stringify(input) ?? "", QUOTED_CHARACTERS).toWellFormed();
      return { ok: false, message: `Check ${at + 1}, ${quoted}, was not added: ${read.fault}. ${describeForm(input)}` };
    }
    const { spec } = read;
    checks.push({ id: makeCheckId(), author: agrees && recognizeEmpty(spec) !== null ? "model" : author, spec });
  }
  return { ok: true, checks };
}

const TOO_MUCH =
  "These are too many checks at once, or their expressions are too long in all. Add some of them later, or let one command check several things.";

function workOf(expression: unknown): number {
  return typeof expression === "string" ? compileWork(expression) : 0;
}

function readSpec(input: unknown, work: Hand["work"]): Spec {
  const written = isRecord(input) ? input : {};
  const former = known.get(written);
  work.left -= former === undefined ? CHECK_WORK + workOf(written.matches) : 2;
  if (former !== undefined || work.left < 0) return former ?? { fault: "" };
  const parsed = checkInput().safeParse(input);
  const spec = parsed.success ? cleanSpec(parsed.data) : null;
  const fault = spec === null ? describeIssue(parsed.error?.issues[0]) : findFault(spec);
  const read = spec === null || fault !== null ? { fault: fault ?? "" } : { spec };
  known.set(written, read);
  return read;
}

function describeIssue(issue: { path: PropertyKey[]; message: string } | undefined): string {
  if (issue === undefined) return "it can't be read";
  const place = issue.path.length === 0 ? "" : `${issue.path.map(String).join(".")}: `;
  return place + cutEnd(issue.message, QUOTED_CHARACTERS).replace(/\.$/, "");
}

function describeForm(input: unknown): string {
  const type = isRecord(input) ? String(input.type) : "";
  if (Object.hasOwn(forms, type)) return `A check of this type looks like ${forms[type]}.`;
  return `The types are ${checkTypes.join(", ")}; a check looks like ${forms.command} or ${forms.file}.`;
}

/** Without space around what is no text to look for. */
function cleanSpec(spec: CheckInput): CheckInput {
  switch (spec.type) {
    case "command":
      return { ...spec, run: spec.run.trim(), ...cleanPaths(spec) };
    case "file":
      return { ...spec, path: cleanPath(spec.path) };
    case "http":
      return {
        ...spec,
        ...(spec.path === undefined ? {} : { path: `/${spec.path.trim().replace(/^\/+/, "")}` }),
        ...(spec.start === undefined ? {} : { start: { ...spec.start, run: spec.start.run.trim() } }),
        ...cleanPaths(spec),
      };
    case "git":
      return spec;
    case "person":
      return { ...spec, question: spec.question.trim() };
  }
}

function cleanPaths({ protected: paths }: { protected?: string[] | undefined }): { protected?: string[] } {
  return paths === undefined ? {} : { protected: [...new Set(paths.map(cleanPath))] };
}

function cleanPath(path: string): string {
  const clean = path.trim().replace(/^(?:\.\/+)+(?=.)/, "");
  return clean === "" ? "." : clean;
}

function findFault(spec: CheckInput): string | null {
  switch (spec.type) {
    case "command":
      return findCommandFault(spec.run) ?? findPathFault(spec.protected) ?? findTextFault(spec);
    case "file":
      return findPathFault([spec.path]) ?? findTextFault(spec) ?? findFileFault(spec);
    case "http":
      return findAddressFault(spec) ?? findPathFault(spec.protected) ?? findTextFault(spec);
    case "git":
      return spec.clean || spec.pushed || spec.branch !== undefined ? null : "it needs clean, branch or pushed";
    case "person":
      return spec.question === "" ? "its question is empty" : null;
  }
}

function findCommandFault(command: string): string | null {
  return command === "" ? "its command is empty" : null;
}

function findTextFault({ matches }: { matches?: string | undefined }): string | null {
  const read = matches === undefined ? null : readExpression(matches);
  return read === null || read.ok ? null : `matches ${read.why}`;
}

/** Whether the place is in the project is known where the files are. What leaves it by its text is refused here. */
function findPathFault(paths: readonly string[] = []): string | null {
  const outside = paths.find((path) => {
    let depth = 0;
    if (path.startsWith("~")) return true;
    return path.split("/").some((part) => {
      if (part === "..") depth--;
      else if (part !== "" && part !== ".") depth++;
      return depth < 0;
    });
  });
  return outside === undefined ? null : `${JSON.stringify(outside)} is outside of the project`;
}

function findFileFault({ exists, min_bytes, max_bytes, json, ...text }: Extract<CheckInput, { type: "file" }>) {
  const isAbsent = exists === false;
  const says = hasText(text) || json !== undefined || min_bytes !== undefined || max_bytes !== undefined;
  if (isAbsent && says) return "a file that must not exist can't have conditions";
  const isTurned = min_bytes !== undefined && max_bytes !== undefined && min_bytes > max_bytes;
  return isTurned ? "min_bytes is more than max_bytes" : null;
}

function findAddressFault({ port, url, path, start }: Extract<CheckInput, { type: "http" }>): string | null {
  if ((port === undefined) === (url === undefined)) return "it needs either port or url";
  if (start !== undefined && start.run === "") return "the command of start is empty";
  if (url === undefined) return path !== undefined && /[\s#\\]/.test(path) ? "path is no path of an address" : null;
  if (start !== undefined) return "start goes with port, not with url";
  if (path !== undefined) return "path goes with port; url has its own";
  const why = whyNotPublic(url);
  if (why !== null) return `url ${why}; for a program in the sandbox give port and path`;
  const { username, password } = new URL(url);
  return username + password === "" ? null : "url holds a password";
}
