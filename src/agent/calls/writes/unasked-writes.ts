// Which files an agent may write unasked where a person approves its commands, or where it has none: plain files of the
// work dir. Everything else can make a program run without a command, so it is asked about as a command is.
//
// The rule names no program. What runs by itself has a name with a dot, is outside of the work dir, is executable, or
// is in a folder of programs. What an approved command runs (package.json, a test) is a plain file, and part of it.
import type { AgentConfig } from "../../../protocol/agents/agent.ts";
import type { SandboxPlace } from "../../sandbox.ts";
import type { FileWrite } from "../../tool.ts";
import { listCommands, needsApproval, normalizePath } from "../approvals.ts";

const COMMANDS = "execute_command";

/** No command is like one of these, so patterns that match both match every command. */
const anyCommand = ["\ue000", "\ue000 \ue001\ue000\ue001"];

export interface AskedWrite {
  path: string;
  why: "outside" | NonNullable<SandboxPlace["doubt"]>;
}

/** Whether a person approves each command, or the agent has none: then git in the sandbox runs no program either. */
export function gatesEveryCommand(agent: AgentConfig): boolean {
  return !hasCommands(agent) || anyCommand.every((command) => matchesCommands(agent, [command]));
}

/** The writes that the rule is for. With `*` all; with other patterns those whose text fits, or is not known. */
export function listGated(writes: readonly FileWrite[], agent: AgentConfig): FileWrite[] {
  if (!hasCommands(agent)) return [...writes];
  if (!Object.hasOwn(agent.approvals, COMMANDS)) return [];
  return writes.filter(({ path, text }) => text === null || matchesCommands(agent, [path, ...listWritten(text)]));
}

/** By the names alone. An absolute path says nothing: the work dir itself may be below a name with a dot. */
export function findNamedWrite(writes: readonly FileWrite[], agent: AgentConfig): AskedWrite | null {
  const found = listGated(writes, agent).find(({ path }) => !/^[/~]/.test(path) && hasHiddenName(path));
  return found === undefined ? null : { path: found.path, why: "hidden" };
}

/** By where they lead. A sandbox that has no links gives no places. */
export function findPlacedWrite(
  writes: readonly FileWrite[],
  places: readonly SandboxPlace[] | null,
): AskedWrite | null {
  for (const [at, { path }] of writes.entries()) {
    const { below, doubt } = places === null ? placeByText(path) : (places[at] ?? { below: path, doubt: "unknown" });
    const why = below === null ? "outside" : hasHiddenName(below) ? "hidden" : doubt;
    if (why !== null) return { path, why };
  }
  return null;
}

function placeByText(path: string): SandboxPlace {
  return { below: /^[/~]/.test(path) ? null : path, doubt: null };
}

/**
 * As the most forgiving file system compares names: compatibility forms are one, and characters that are not seen don't
 * count. `HEAD` is the file that makes a folder a repository to git, with settings that name programs.
 */
function hasHiddenName(path: string): boolean {
  return normalizePath(path.replaceAll("\\", "/").normalize("NFKC"))
    .split("/")
    .some((name) => /^(?:\.|head$)/i.test(name.replace(/[\p{Default_Ignorable_Code_Point}\p{Cc}\s]/gu, "")));
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

const reasons: Record<AskedWrite["why"], [english: string, chinese: string]> = {
  outside: ["it is not inside the work dir", "它不在工作目录之内"],
  hidden: ["a name in it begins with a dot, or is git's HEAD", "其中有以点开头的名称，或 git 的 HEAD"],
  link: ["it leads through a link", "它经过一个链接"],
  special: [
    "it is or holds a link, an executable file, a pipe or a file with several names",
    "它是或包含链接、可执行文件、管道或有多个名称的文件",
  ],
  path: ["programs are looked up in its folder", "系统会在它所在的文件夹中查找程序"],
  unknown: ["the sandbox does not say where it leads", "沙箱没有说明它指向哪里"],
};

export function describeWrite({ path, why }: AskedWrite, chinese: boolean): string {
  const [english, other] = reasons[why];
  return chinese
    ? `需要像命令一样批准，因为这可能让程序运行。${path}：${other}。`
    : `It needs approval as commands do, because it can make programs run. ${path}: ${english}.`;
}
