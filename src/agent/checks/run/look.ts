// Looks at one check in the sandbox, and judges it. What keeps a check from being seen is `not_run`; what it asks for
// and is not there is `failed`.

import type { CheckInput } from "../../../protocol/plan/check.ts";
import { SandboxError } from "../../sandbox.ts";
import type { CheckPlace, CommandSeen, Tree } from "../place.ts";
import { failed, type Judgement, judgeCommand, judgeFile, judgeGit, judgeHttp, notRun } from "./judge.ts";
import { type PublicAnswer, TIME_OVER } from "./ports.ts";

const DEFAULT_COMMAND_MS = 120_000;
const DEFAULT_START_MS = 30_000;
const REQUEST_MS = 30_000;

/** What a receipt says beside the judgement. */
export interface Sight extends Judgement {
  exit_code?: number | null;
  output?: { head: string; tail: string; bytes: number; hash: string | null };
  /** A file's own hash; for a command the tree that it was started with, if somebody else started it. */
  tree?: Tree | null;
  file_hash?: string | null;
}

export interface LookRequest {
  place: CheckPlace;
  signal: AbortSignal;
  /** How long is left for all. */
  left_ms: number;
  /** For what it starts. */
  command_id: string;
  tree: Tree | null;
}

const NO_TIME = "There was no time left for it: all checks together have a limit.";

export function noTime(): Judgement {
  return notRun(NO_TIME);
}

/** Judges a failure of the sandbox. Any other error is a bug, or the end of the run. */
export function judgeError(error: unknown, signal: AbortSignal): Judgement {
  if (error === TIME_OVER && signal.reason === TIME_OVER) return noTime();
  if (!(error instanceof SandboxError)) throw error;
  const isAboutCheck = ["not_found", "invalid", "refused", "too_large"].includes(error.code);
  return isAboutCheck ? failed(error.message) : notRun(error.message);
}

export async function lookAtFile(
  spec: Extract<CheckInput, { type: "file" }>,
  { place, signal }: Pick<LookRequest, "place" | "signal">,
): Promise<Sight> {
  const seen = await place.readFile(spec.path, signal);
  return { ...(await judgeFile(spec, seen)), file_hash: seen.hash };
}

export async function lookAtGit(
  spec: Extract<CheckInput, { type: "git" }>,
  { place, signal }: Pick<LookRequest, "place" | "signal">,
): Promise<Sight> {
  return judgeGit(spec, await place.readGit(spec.cwd ?? null, signal, { asks_remote: spec.pushed === true }));
}

export async function lookAtAnswer(spec: Extract<CheckInput, { type: "http" }>, answer: PublicAnswer): Promise<Sight> {
  if (!answer.ok) return answer.refused ? notRun(answer.message) : failed(answer.message);
  const output = { head: answer.body, tail: "", bytes: answer.body_bytes, hash: answer.body_hash };
  return { ...(await judgeHttp(spec, answer)), output };
}

export async function lookAtPort(
  spec: Extract<CheckInput, { type: "http" }>,
  { place, signal, left_ms }: Pick<LookRequest, "place" | "signal" | "left_ms">,
): Promise<Sight> {
  const request = { port: spec.port ?? 0, path: spec.path ?? "/", time_limit_ms: Math.min(REQUEST_MS, left_ms) };
  const seen = await place.request(request, signal);
  const output = { head: seen.body, tail: "", bytes: seen.body_bytes, hash: seen.body_hash };
  return { ...(await judgeHttp(spec, seen)), output };
}

/** The program is ended by the caller, whatever happens. */
export async function lookAtStarted(spec: Extract<CheckInput, { type: "http" }>, request: LookRequest): Promise<Sight> {
  const { place, signal, left_ms, command_id } = request;
  const wanted_ms = (spec.start?.wait_seconds ?? DEFAULT_START_MS / 1000) * 1000;
  await place.startProgram(
    {
      ...{ command_id, run: spec.start?.run ?? "", cwd: spec.start?.cwd ?? null, port: spec.port ?? 0 },
      time_limit_ms: Math.min(wanted_ms, left_ms),
    },
    signal,
  );
  return lookAtPort(spec, request);
}

export async function lookAtCommand(
  spec: Extract<CheckInput, { type: "command" }>,
  { place, signal, left_ms, command_id, tree }: LookRequest,
): Promise<Sight> {
  const own_ms = spec.timeout_seconds === undefined ? DEFAULT_COMMAND_MS : spec.timeout_seconds * 1000;
  const time_limit_ms = Math.min(own_ms, left_ms);
  const command = { command_id, run: spec.run, cwd: spec.cwd ?? null, time_limit_ms, tree };
  const seen = await place.runCommand(command, signal);
  const isShort = seen.exit_code === null && time_limit_ms < own_ms;
  const judgement = isShort ? noTime() : await judgeCommand(spec, seen, time_limit_ms);
  return { ...judgement, exit_code: seen.exit_code, output: outputOf(seen), tree: seen.tree };
}

function outputOf({ output_head, output_tail, output_bytes, output_hash }: CommandSeen): Sight["output"] {
  return { head: output_head, tail: output_tail, bytes: output_bytes, hash: output_hash };
}
