// What patterns of protected files match, in the work tree and in the commit that the server cloned.
import type { Matches } from "../../../agent/checks/place.ts";
import { readPattern } from "../../../agent/checks/protected-pattern.ts";
import { SandboxError } from "../../../agent/sandbox.ts";
import type { OutputMask } from "../../output-mask.ts";
import { findCheckout } from "./committed.ts";
import { COMMITTED_MATCH_SCRIPT } from "./committed-match-script.ts";
import { MATCH_SCRIPT, type MatchAnswer, readMatchAnswer } from "./match-script.ts";
import { type CheckPorts, run, splitWords } from "./ports.ts";

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
  const words: string[][] = [];
  for (const pattern of patterns) {
    const { base, expression } = readPattern(pattern);
    const { absolute } = await files.resolve(base, signal, { takesAnyName: true });
    words.push([absolute, expression, since.get(pattern) ?? ""]);
  }
  const answers = await ask(ports, { text: MATCH_SCRIPT, first: [work, checkout], words }, signal);
  return answers.map((answer, at) => {
    const matches = toMatches(patterns[at] ?? "", answer, mask);
    return since.size > 0 && "moment" in answer && answer.moment !== undefined
      ? { ...matches, moment: answer.moment }
      : matches;
  });
}

/** `patterns` are relative to the checkout. Null if there is none. */
export async function hashCommitted(
  ports: CheckPorts,
  patterns: string[],
  signal: AbortSignal,
): Promise<Matches[] | null> {
  const checkout = await findCheckout(ports, signal);
  if (checkout === null) return null;
  const words = patterns.map(readPattern).map(({ base, expression }) => [base, expression]);
  const first = [checkout.absolute, checkout.commit ?? ""];
  const answers = await ask(ports, { text: COMMITTED_MATCH_SCRIPT, first, words }, signal);
  return answers.map((answer, at) => toMatches(patterns[at] ?? "", answer, null));
}

async function ask(
  ports: CheckPorts,
  { text, first, words }: { text: string; first: string[]; words: string[][] },
  signal: AbortSignal,
): Promise<MatchAnswer[]> {
  const matches: MatchAnswer[] = [];
  for (const part of splitWords(words)) {
    const values = (sandbox: string) => [sandbox, ...first, ...part.flat()];
    const script = { text, values, timeout_ms: MATCH_MS, answer_bytes: ANSWER_BYTES };
    const answer = readMatchAnswer(await run(ports, script, signal));
    if (answer?.kind === "no_folder") throw new SandboxError("not_found", "The project's folder does not exist.");
    if (answer?.kind !== "matches" || answer.matches.length !== part.length) {
      const why = answer?.kind === "stuck" ? answer.what || "no space is left" : "it took too long";
      throw new SandboxError("failed", `The files could not be hashed: ${why}.`);
    }
    matches.push(...answer.matches);
  }
  return matches;
}

function toMatches(pattern: string, answer: MatchAnswer, mask: OutputMask | null): Matches {
  if (answer.kind === "none") return { hash: null };
  if (answer.kind === "file") return { hash: answer.hash };
  if (answer.kind === "many") return { hash: null, files: answer.files };
  const { base } = readPattern(pattern);
  const name = (below: string) => {
    const path = base === "" ? below : `${base}/${below}`;
    return mask?.apply(path) ?? path;
  };
  const { hash, files, altered } = answer;
  return { hash, files, ...(altered.length === 0 ? {} : { altered: altered.map(name) }) };
}
