// Commands in the sandbox. A command's id is the id of the call that started it, so a later life can re-attach to a
// command that is still running. Waiting and running are separate: when the wait is over, the command continues, and
// the model reads how to look at it. A non-zero exit code is not an error of the call: a test that fails or a grep that
// finds nothing is an answer.
import { z } from "zod";
import { listCommands } from "../agent/calls/approvals.ts";
import { lenientObject } from "../agent/calls/leniency.ts";
import { type CommandState, SandboxError } from "../agent/sandbox.ts";
import { defineTool, type Tool, type ToolContext, type ToolResult } from "../agent/tool.ts";
import { cutEnd } from "../lib/truncate.ts";

// How long to wait for a background command to fail at once (a wrong path, a port that is taken) before the model
// continues.
const BACKGROUND_WAIT_MS = 1_000;
// The first call of a run may have to create or start the sandbox.
const MARGIN_MS = 180_000;
// How long a cancelled run waits for its command to end.
const TERMINATION_MS = 10_000;
const SHOWN_COMMAND = 500;
const SHOWN_COMMANDS = 50;

const commandId = z.string().min(1).describe("As execute_command or list_commands gave it");
const idAliases = { command_id: ["id", "commandId"] };

const executeInput = lenientObject(
  {
    command: z.string().min(1).describe("Run by a shell; may be several lines"),
    cwd: z.string().min(1).optional().describe("Folder to run in; the work dir if absent"),
    timeout_seconds: z.int().min(1).max(3600).default(60).describe("How long to wait for the end"),
    background: z.boolean().default(false).describe("For servers and the like: answer after a second, let it run"),
  },
  { aliases: { command: ["cmd"], timeout_seconds: ["timeout"], cwd: ["folder", "workdir"] } },
);
type ExecuteInput = z.infer<typeof executeInput>;

export const shellTools: Tool[] = [
  defineTool({
    name: "execute_command",
    description:
      "Run a shell command in the sandbox and get its exit code and output. If it has not ended after timeout_seconds it goes on, and you get its command_id. Nobody answers prompts: pass flags such as --yes. Not for reading, writing, finding or searching files, nor for git clone, pull and push: use their tools.",
    schema: executeInput,
    kind: "work",
    read_only: false,
    recovery: "reattach",
    time_limit_ms: (input) => waitOf(input) + MARGIN_MS,
    execute: executeCommand,
    abandon: terminate,
    subjects: ({ command }) => listCommands(command),
  }),
  defineTool({
    name: "check_command_output",
    description: "Show the output so far of a command that goes on, and its exit code if it has ended.",
    schema: lenientObject({ command_id: commandId }, { aliases: idAliases }),
    kind: "work",
    read_only: true,
    recovery: "repeat",
    time_limit_ms: MARGIN_MS,
    execute: async ({ command_id }, { sandbox, signal }) => {
      const state = await namingIds(sandbox.readCommand(command_id, signal));
      return { content: describeState(state, command_id), is_error: false, details: detailsOf(state, command_id) };
    },
  }),
  defineTool({
    name: "send_command_input",
    description: "Send a line to the standard input of a running command. A line break is added if there is none.",
    schema: lenientObject({ command_id: commandId, input: z.string() }, { aliases: { ...idAliases, input: ["text"] } }),
    kind: "work",
    read_only: false,
    recovery: "report",
    time_limit_ms: MARGIN_MS,
    execute: async ({ command_id, input }, { sandbox, signal }) => {
      await namingIds(sandbox.sendInput(command_id, input.endsWith("\n") ? input : `${input}\n`, signal));
      const content = "The input was sent. check_command_output shows what the command made of it.";
      return { content, is_error: false, details: { command_id } };
    },
    // Input to a shell is a command.
    subjects: ({ input }) => listCommands(input),
    approved_as: "execute_command",
  }),
  defineTool({
    name: "terminate_command",
    description: "End a running command and all that it started.",
    schema: lenientObject({ command_id: commandId }, { aliases: idAliases }),
    kind: "work",
    read_only: false,
    recovery: "repeat",
    time_limit_ms: MARGIN_MS,
    execute: async ({ command_id }, { sandbox, signal }) => {
      await namingIds(sandbox.terminateCommand(command_id, signal));
      return { content: `The command ${command_id} has ended.`, is_error: false, details: { command_id } };
    },
  }),
  defineTool({
    name: "list_commands",
    description: "List the commands of this sandbox with their command_id, and which of them still run.",
    schema: lenientObject({}),
    kind: "work",
    read_only: true,
    recovery: "repeat",
    time_limit_ms: MARGIN_MS,
    execute: async (_input, { sandbox, signal }) => {
      const commands = await sandbox.listCommands(signal);
      const running = commands.filter((command) => command.exit_code === null).length;
      return { content: describeCommands(commands), is_error: false, details: { commands: commands.length, running } };
    },
  }),
];

async function executeCommand(input: ExecuteInput, context: ToolContext): Promise<ToolResult> {
  const command_id = context.tool_call_id;
  const request = { command_id, command: input.command, cwd: input.cwd, wait_ms: waitOf(input) };
  try {
    const state = await context.sandbox.runCommand(request, context.onOutput, context.signal);
    const details = { command: cutEnd(input.command, SHOWN_COMMAND), ...detailsOf(state, command_id) };
    return { content: describeState(state, command_id), is_error: false, details };
  } catch (error) {
    if (isCancelled(context.signal)) await terminate(context);
    throw error;
  }
}

function waitOf(input: ExecuteInput): number {
  return input.background ? BACKGROUND_WAIT_MS : input.timeout_seconds * 1_000;
}

/** At its time limit the call stops but its command continues. A person who cancels means the command too. */
function isCancelled(signal: AbortSignal): boolean {
  return signal.aborted && !(signal.reason instanceof Error && signal.reason.name === "TimeoutError");
}

async function terminate({ sandbox, tool_call_id }: ToolContext): Promise<void> {
  try {
    await sandbox.terminateCommand(tool_call_id, AbortSignal.timeout(TERMINATION_MS));
  } catch {
    // The run ends in any case, and what is left of the command ends with the sandbox.
  }
}

function describeState(state: CommandState, command_id: string): string {
  const head =
    state.exit_code === null ? `still running ${describeRunning(state, command_id)}` : `exit_code: ${state.exit_code}`;
  const omitted =
    state.omitted_bytes > 0
      ? `\n(${state.omitted_bytes} bytes in the middle of this output are left out; to have all of it, send output to a file and read parts of that)`
      : "";
  return `${head}${omitted}\n${state.output || "(no output)"}`;
}

function describeRunning({ waits_for_input }: CommandState, command_id: string): string {
  if (waits_for_input !== true)
    return `(command_id: ${command_id}); check_command_output shows more, terminate_command ends it`;
  return `(command_id: ${command_id}) and waiting for input: what it printed last may ask for it; send_command_input answers, terminate_command ends it`;
}

function detailsOf(state: CommandState, command_id: string): Record<string, unknown> {
  const { exit_code, waits_for_input = false } = state;
  return { command_id, exit_code, running: exit_code === null, ...(waits_for_input ? { waits_for_input } : {}) };
}

function describeCommands(commands: { command_id: string; command: string; exit_code: number | null }[]): string {
  if (commands.length === 0) return "No command has been run in this sandbox.";
  const shown = commands.slice(-SHOWN_COMMANDS).map(({ command_id, command, exit_code }) => {
    const status = exit_code === null ? "running" : `exit_code ${exit_code}`;
    return `${command_id}  ${status}  ${cutEnd(command.replace(/\s+/g, " "), 200)}`;
  });
  const earlier = commands.length - shown.length;
  return [...(earlier > 0 ? [`(${earlier} earlier commands left out)`] : []), ...shown].join("\n");
}

async function namingIds<Value>(work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof SandboxError) || error.code !== "not_found") throw error;
    throw new SandboxError("not_found", `${error.message} list_commands shows the ids of all commands.`);
  }
}
