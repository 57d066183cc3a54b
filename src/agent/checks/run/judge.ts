// What was seen against what a check asks for. Pure: a check passes only if each of its conditions was seen to hold.

import { cutEnd } from "../../../lib/truncate.ts";
import type { CheckInput, CheckOutcome } from "../../../protocol/plan/check.ts";
import { type CommandSeen, type FileSeen, type GitSeen, SHOWN_BODY_BYTES, SHOWN_FILE_BYTES } from "../place.ts";
import { findJsonFault, findTextFault, type Kept, oneLine, show } from "./conditions.ts";

export interface Judgement {
  outcome: CheckOutcome;
  /** One sentence or two, with evidence. */
  reason: string;
}

type Spec<Type extends CheckInput["type"]> = Extract<CheckInput, { type: Type }>;

const SHOWN_COMMAND = 80;
/** A megabyte may be as many lines. */
const LAST_CHARACTERS = 4_000;

export function passed(reason: string): Judgement {
  return { outcome: "passed", reason };
}

export function failed(reason: string): Judgement {
  return { outcome: "failed", reason };
}

export function notRun(reason: string): Judgement {
  return { outcome: "not_run", reason };
}

export async function judgeCommand(spec: Spec<"command">, seen: CommandSeen, limit_ms: number): Promise<Judgement> {
  const name = nameCommand(spec.run);
  const last = describeLast(seen);
  if (seen.exit_code === null)
    return failed(`${name} had not ended after ${Math.round(limit_ms / 1000)} seconds.${last}`);
  const wanted = spec.exit_code ?? 0;
  if (seen.exit_code !== wanted) return failed(`${name} exited with ${seen.exit_code}, not ${wanted}.${last}`);
  const fault = await findTextFault("The output", spec, keptOf(seen));
  if (fault !== null) return failed(`${name} exited with ${wanted}. ${fault}`);
  return passed(`${name} exited with ${wanted}.`);
}

export function nameCommand(run: string): string {
  const line = oneLine(run);
  return `\`${line.length > SHOWN_COMMAND ? `${cutEnd(line, SHOWN_COMMAND)}…` : line}\``;
}

function keptOf({ output_head, output_tail }: Pick<CommandSeen, "output_head" | "output_tail">): Kept {
  return output_tail === ""
    ? { parts: [output_head], is_cut: false }
    : { parts: [output_head, output_tail], is_cut: true };
}

/** The last line is usually the error, or the totals. */
function describeLast({ output_head, output_tail }: CommandSeen): string {
  const lines = (output_tail || output_head).trimEnd().slice(-LAST_CHARACTERS).split("\n").map(oneLine);
  const last = lines.findLast((line) => line !== "");
  return last === undefined ? " It printed nothing." : ` Its last line: ${show(last)}`;
}

export async function judgeFile(spec: Spec<"file">, seen: FileSeen): Promise<Judgement> {
  const { path } = spec;
  const name = show(path);
  if (spec.exists === false)
    return seen.hash === null ? passed(`${name} does not exist.`) : failed(`${name} exists, and should not.`);
  if (seen.hash === null) return failed(`There is no file ${name}.`);
  if (spec.min_bytes !== undefined && seen.size < spec.min_bytes)
    return failed(`${name} has ${seen.size} bytes, fewer than ${spec.min_bytes}.`);
  if (spec.max_bytes !== undefined && seen.size > spec.max_bytes)
    return failed(`${name} has ${seen.size} bytes, more than ${spec.max_bytes}.`);
  const asksForText = [spec.contains, spec.excludes, spec.matches, spec.json].some((each) => each !== undefined);
  if (!asksForText) return passed(`${name} exists, with ${seen.size} bytes.`);
  if (seen.text === null) return failed(`${name} is no text in UTF-8.`);
  const is_cut = seen.size > SHOWN_FILE_BYTES;
  const fault = await findFault(`The file ${path}`, spec, { parts: [seen.text], is_cut });
  return fault === null ? passed(`${name} has what it should have.`) : failed(fault);
}

export interface HttpSeen {
  status: number;
  body: string;
  body_bytes: number;
}

export async function judgeHttp(spec: Spec<"http">, seen: HttpSeen): Promise<Judgement> {
  const address = spec.url ?? `:${spec.port ?? ""}${spec.path ?? "/"}`;
  const wanted = spec.status ?? 200;
  const body = oneLine(seen.body);
  if (seen.status !== wanted) {
    const said = body === "" ? "" : ` The answer: ${show(body)}`;
    return failed(`GET ${oneLine(address)} answered ${seen.status}, not ${wanted}.${said}`);
  }
  const is_cut = seen.body_bytes > SHOWN_BODY_BYTES;
  const fault = await findFault("The answer", spec, { parts: [seen.body], is_cut });
  if (fault !== null) return failed(`GET ${oneLine(address)} answered ${wanted}. ${fault}`);
  return passed(`GET ${oneLine(address)} answered ${wanted}.`);
}

async function findFault(what: string, spec: Spec<"file" | "http">, kept: Kept): Promise<string | null> {
  const fault = await findTextFault(what, spec, kept);
  return fault ?? (spec.json === undefined ? null : findJsonFault(what, spec.json, kept));
}

export function judgeGit(spec: Spec<"git">, seen: GitSeen): Judgement {
  if (spec.branch !== undefined && seen.branch !== spec.branch)
    return failed(`The branch is ${seen.branch === null ? "none" : show(seen.branch)}, not ${show(spec.branch)}.`);
  if (spec.clean === true && seen.changed.length > 0)
    return failed(`Not everything is committed: ${seen.changed.slice(0, 5).map(show).join(", ")}.`);
  if (spec.pushed === true) {
    if (seen.unpushed === null) return failed(`The branch ${show(seen.branch)} was never pushed.`);
    if (seen.unpushed > 0) return failed(`${seen.unpushed} commits are not pushed.`);
  }
  if (seen.commit === null) return failed("The repository has no commit.");
  return passed(`git is as it should be, at ${seen.commit.slice(0, 12)}.`);
}
