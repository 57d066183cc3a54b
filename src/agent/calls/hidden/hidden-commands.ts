// What makes programs run without a command is asked about as commands are: a call that writes a file which git, a
// shell, CI or an editor runs. Approvals for `execute_command` would otherwise be bypassed by `create_file`.
//
// What is written counts as the command. With `*` every such call asks; with other patterns one whose text fits, or
// whose text is not known before it is made. An agent without `execute_command` has no way to run a program, so it asks
// about what would run one in its sandbox.
import type { AgentConfig } from "../../../protocol/agents/agent.ts";
import type { SandboxPlaces } from "../../sandbox.ts";
import type { FileWrite } from "../../tool.ts";
import { listCommands, needsApproval } from "../approvals.ts";
import { findRunner, findRunnerOf, type Runner } from "./program-files.ts";

const COMMANDS = "execute_command";

/** Run where people and CI use the repository, and not in the sandbox. */
const elsewhere: ReadonlySet<Runner> = new Set(["ci", "editor"]);

/** No command is like one of these, so patterns that match both match every command. */
const anyCommand = ["\ue000", "\ue000 \ue001\ue000\ue001"];

/** What a call would make run. */
export interface HiddenCommand {
  runner: Runner;
  path: string;
  /** Where it leads, if that is not what the path says. */
  real: string | null;
}

/** Whether a person approves each command, or the agent has none: then git in the sandbox runs no program either. */
export function gatesEveryCommand(agent: AgentConfig): boolean {
  return !hasCommands(agent) || anyCommand.every((command) => matchesCommands(agent, [command]));
}

/** By the path alone; null if the call may be made, as far as the path shows. */
export function findHiddenCommand(writes: readonly FileWrite[], agent: AgentConfig): HiddenCommand | null {
  if (!isGated(agent)) return null;
  for (const write of writes) {
    const runner = findRunner(write.path, write.is_tree);
    if (runner !== null && isAsked(write, runner, agent)) return { runner, path: write.path, real: null };
  }
  return null;
}

/** Whether it has to be asked where the paths lead. */
export function needsPlaces(writes: readonly FileWrite[], agent: AgentConfig): boolean {
  return writes.some((write) => isAsked(write, "unknown", agent));
}

/** By where each path leads, in the order of the writes. */
export function findHiddenIn(
  writes: readonly FileWrite[],
  { places, ...around }: SandboxPlaces,
  agent: AgentConfig,
): HiddenCommand | null {
  for (const [at, write] of writes.entries()) {
    const { links = [], ...place } = places[at] ?? { real: null, role: null };
    const known = links.map((real) => ({ real, role: null }));
    for (const each of [place, ...known]) {
      const runner = findRunnerOf(each, around, write.is_tree ?? false);
      if (runner === null || !isAsked(write, runner, agent)) continue;
      return { runner, path: write.path, real: each.real?.endsWith(`/${write.path}`) ? null : each.real };
    }
  }
  return null;
}

function isAsked({ path, text }: FileWrite, runner: Runner, agent: AgentConfig): boolean {
  if (!isGated(agent)) return false;
  if (!hasCommands(agent)) return !elsewhere.has(runner);
  return text === null || matchesCommands(agent, [path, ...listWritten(text)]);
}

function isGated(agent: AgentConfig): boolean {
  return !hasCommands(agent) || Object.hasOwn(agent.approvals, COMMANDS);
}

function hasCommands({ tools }: AgentConfig): boolean {
  return tools === null || tools.includes(COMMANDS);
}

function matchesCommands({ approvals }: AgentConfig, subjects: string[]): boolean {
  return needsApproval(approvals, COMMANDS, subjects);
}

/** A script as it is, and the values of settings: `run: rm x`, `- rm x`, `fsmonitor = rm x`. */
function listWritten(text: string): string[] {
  const values = text.replace(/^[ \t]*(?:-[ \t]+)?(?:["']?[\w.-]+["']?[ \t]*[:=])?[ \t]*/gm, "");
  return [...listCommands(text), ...listCommands(values)];
}
