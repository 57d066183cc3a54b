// What patterns of protected files match, in the work tree and in the commit that the server cloned.
import type { Matches } from "../../../agent/checks/place.ts";
import { readPattern } from "../../../agent/checks/protected-pattern.ts";
import { SandboxError } from "../../../agent/sandbox.ts";
import type { OutputMask } from "../../output-mask.ts";
import { readClonedCommit } from "../git/cloned-commit.ts";
import { COMMITTED_MATCH_SCRIPT } from "./committed-match-script.ts";
import { MATCH_SCRIPT, type MatchAnswer, readMatchAnswer } from "./match-script.ts";
import { type CheckPorts, type CheckScript, lacks, run } from "./ports.ts";
import { splitPaths } from "./split-paths.ts";

/** For a walk through all files of a project, and 64 MiB to be hashed, of each of some patterns. */
const MATCH_MS = 120_000;
/** Twenty names of 300 characters for each of as many patterns as a request has room for. */
const ANSWER_BYTES = 1024 * 1024;

export async function hashMatches(
  ports: CheckPorts,
  patterns: string[],
  since: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<Matches[]> {
  const { files } = ports;
  const { absolute: work } = await files.resolve("", signal);
  const home = ports.readHome();
  const checkout = home === null ? work : (await files.resolve(home, signal, { takesAnyName: true })).absolute;
  const mask = since.size === 0 ? null : await ports.secrets.readMask(signal);
  const matches: Matches[] = [];
  for (const part of splitPaths(patterns)) {
    const values: string[] = [];
    for (const pattern of part) {
      const { base, expression } = readPattern(pattern);
      const { absolute } = await files.resolve(base, signal, { takesAnyName: true });
      values.push(absolute, expression, since.get(pattern) ?? "");
    }
    const answers = await ask(ports, MATCH_SCRIPT, (id) => [id, work, checkout, ...values], part.length, signal);
    matches.push(...answers.map((answer, at) => toMatches(part[at] ?? "", answer, mask)));
  }
  return matches;
}

/** `patterns` are relative to the checkout. Null if there is none. */
export async function hashCommitted(
  ports: CheckPorts,
  patterns: string[],
  signal: AbortSignal,
): Promise<Matches[] | null> {
  const { files, connection, source_url } = ports;
  if (source_url === null) return null;
  const place = await connection.call(async (sandbox) => {
    const folder = ports.readHome();
    return folder === null ? null : { folder, commit: await readClonedCommit(sandbox, source_url, folder) };
  }, signal);
  if (place === null) return null;
  const { absolute } = await files.resolve(place.folder, signal, { takesAnyName: true });
  const matches: Matches[] = [];
  for (const part of splitPaths(patterns)) {
    const values = part.map(readPattern).flatMap(({ base, expression }) => [base, expression]);
    const commit = place.commit ?? "";
    const script = COMMITTED_MATCH_SCRIPT;
    const answers = await ask(ports, script, (id) => [id, absolute, commit, ...values], part.length, signal);
    matches.push(...answers.map((answer, at) => toMatches(part[at] ?? "", answer, null)));
  }
  return matches;
}

async function ask(
  ports: CheckPorts,
  text: string,
  values: CheckScript["values"],
  count: number,
  signal: AbortSignal,
): Promise<MatchAnswer[]> {
  const script = { text, values, timeout_ms: MATCH_MS, answer_bytes: ANSWER_BYTES };
  const answer = readMatchAnswer(await run(ports, script, signal));
  if (answer?.kind === "lacks") throw lacks(answer.what);
  if (answer?.kind === "no_folder") throw new SandboxError("not_found", "The project's folder does not exist.");
  if (answer?.kind === "matches" && answer.matches.length === count) return answer.matches;
  const why = answer?.kind === "stuck" ? answer.what || "no space is left" : "it took too long";
  throw new SandboxError("failed", `The files could not be hashed: ${why}.`);
}

function toMatches(pattern: string, answer: MatchAnswer, mask: OutputMask | null): Matches {
  if (answer.kind === "none") return { hash: null };
  if (answer.kind === "file") return { hash: answer.hash };
  if (answer.kind === "many") return { hash: null, files: answer.files };
  const { base } = readPattern(pattern);
  const name = (below: string) => mask?.apply(base === "" ? below : `${base}/${below}`) ?? below;
  const { hash, files, altered } = answer;
  return { hash, files, ...(altered.length === 0 ? {} : { altered: altered.map(name) }) };
}
