// What the operator bounds whatever agents and runs say: how many steps a run takes, and which calls a person approves.
// (Which models may be named is a setting of models.) A misspelt value would permit what it was meant to forbid, so it
// becomes `problem`, which every run fails with.
import { readApprovals } from "../protocol/agents/approvals.ts";
import { toolNames } from "../protocol/agents/tool-names.ts";
import { problem, SettingProblem } from "./model-servers.ts";

export interface OperatorLimits {
  /** The most model calls of a run; null is what the run or its agent says. */
  max_steps: number | null;
  /** Calls that a person must approve, as an agent's approvals: patterns by tool. */
  always_approve: Record<string, string[]>;
  /** What is wrong with a setting, in a sentence for the operator. */
  problem: string | null;
}

/**
 * What leaves the sandbox: a push with the person's credential, and a link that opens for everybody who has it. Nothing
 * in the sandbox takes either back.
 */
const USUALLY_APPROVED = "git_push,expose_port";

/** As many as an agent or a run can ask for. */
const MAX_STEPS = 1000;

export const noLimits: OperatorLimits = { max_steps: null, always_approve: {}, problem: null };

export function readOperatorLimits(env: object): OperatorLimits {
  const given = new Map(Object.entries(env).map(([name, value]) => [name, String(value ?? "").trim()]));
  const read = (name: string) => given.get(name) ?? "";
  try {
    return {
      max_steps: readSteps(read("MAX_STEPS")),
      always_approve: readCalls(read("ALWAYS_APPROVE") || USUALLY_APPROVED),
      problem: null,
    };
  } catch (error) {
    if (!(error instanceof SettingProblem)) throw error;
    // A run that a former life left may still make the calls of its last message before it asks a model.
    return { max_steps: null, always_approve: readCalls(USUALLY_APPROVED), problem: error.message };
  }
}

function readSteps(given: string): number | null {
  if (given === "") return null;
  const steps = Number(given);
  if (!/^\d+$/.test(given) || steps < 1 || steps > MAX_STEPS) {
    throw problem("MAX_STEPS", `must be a whole number from 1 to ${MAX_STEPS}`);
  }
  return steps;
}

function readCalls(given: string): OperatorLimits["always_approve"] {
  if (given.toLowerCase() === "none") return {};
  const calls = given.split(",").map((call) => call.trim());
  const written = calls.filter((call) => call !== "");
  const read = readApprovals(written, [...toolNames]);
  // Commas alone are no way to say `none`.
  if (read.ok && written.length > 0) return read.value;
  const place = read.ok ? 1 : Number(read.path[0] ?? 0) + 1;
  const wrong = `is wrong at place ${place}: it takes none, or tools such as git_push and calls such as execute_command: rm *, separated by commas; the tools are ${toolNames.join(", ")}`;
  throw problem("ALWAYS_APPROVE", wrong);
}
