// Commands have the ids of the model's tool calls, which are unique in a thread, while a sandbox belongs to a project.
// If a provider counts its calls (`call_0`, `call_1`), two threads of one project would take each other's commands for
// their own. So each thread sees only its own commands, under its own ids.
import type { Sandbox } from "../agent/sandbox.ts";
import { replaceMethods } from "../lib/replace-methods.ts";

/** The sandbox with `scope` in front of every command's id. The caller never sees the prefix. */
export function scopeCommands(sandbox: Sandbox, scope: string): Sandbox {
  const inside = (command_id: string): string => `${scope}-${command_id}`;
  return replaceMethods<Sandbox>(sandbox, {
    runCommand: (request, onOutput, signal) =>
      sandbox.runCommand({ ...request, command_id: inside(request.command_id) }, onOutput, signal),
    readCommand: (command_id, signal) => sandbox.readCommand(inside(command_id), signal),
    sendInput: (command_id, input, signal) => sandbox.sendInput(inside(command_id), input, signal),
    terminateCommand: (command_id, signal) => sandbox.terminateCommand(inside(command_id), signal),
    listCommands: async (signal) => {
      const commands = await sandbox.listCommands(signal);
      return commands
        .filter(({ command_id }) => command_id.startsWith(`${scope}-`))
        .map((command) => ({ ...command, command_id: command.command_id.slice(scope.length + 1) }));
    },
  });
}
