// A provider of sandboxes in the server's own memory, for tests and as an example. It is not suitable for a deployment:
// a restart loses all sandboxes, and two isolates of one server don't share them.
import { SandboxError } from "../../src/agent/sandbox.ts";
import type { PreviewProxy, ProjectSandbox, SandboxProvider } from "../../src/sandboxes/index.ts";
import { type Machines, MachineUse } from "./machines.ts";
import { noGit, nothingListens } from "./sandbox.ts";
import { createMemoryWorkspace } from "./workspace.ts";

const DAY_SECONDS = 24 * 60 * 60;

export function createMemoryProvider(): SandboxProvider {
  const machines: Machines = new Map();
  return {
    openSandbox: (request) => createSandbox(new MachineUse(machines, request)),
    openWorkspace: (request) => createMemoryWorkspace(new MachineUse(machines, request)),
    own_ports: new Set(),
    max_link_seconds: DAY_SECONDS,
    proxy: noProxy,
  };
}

/** Programs in memory have no visitors. */
const noProxy: PreviewProxy = {
  isOwnHeader: () => false,
  isOwnCookie: () => false,
  readRefusal: async () => null,
  readLocation: (location) => location,
};

/** Each call creates or starts the machine first. */
function createSandbox(use: MachineUse): ProjectSandbox {
  const open = async (signal: AbortSignal) => (await use.open(signal)).computer;
  return {
    runCommand: async (request, onOutput, signal) => (await open(signal)).runCommand(request, onOutput, signal),
    readCommand: async (id, signal) => (await open(signal)).readCommand(id, signal),
    sendInput: async (id, input, signal) => (await open(signal)).sendInput(id, input, signal),
    // A machine is not started only to end a command.
    terminateCommand: async (id, signal) => {
      const machine = use.find();
      if (!machine) throw new SandboxError("not_found", `There is no command ${id}.`);
      return machine.computer.terminateCommand(id, signal);
    },
    listCommands: async (signal) => (await open(signal)).listCommands(signal),
    writeFile: async (path, content, signal) => (await open(signal)).writeFile(path, content, signal),
    readFile: async (path, signal) => (await open(signal)).readFile(path, signal),
    deleteFile: async (path, recursive, signal) => (await open(signal)).deleteFile(path, recursive, signal),
    moveFile: async (from, to, signal) => (await open(signal)).moveFile(from, to, signal),
    listFiles: async (path, depth, signal) => (await open(signal)).listFiles(path, depth, signal),
    findFiles: async (path, glob, signal) => (await open(signal)).findFiles(path, glob, signal),
    searchFiles: async (search, signal) => (await open(signal)).searchFiles(search, signal),
    exposePort: async (port, signal) => (await open(signal)).exposePort(port, signal),
    awaitListener: async (port, signal) => {
      await open(signal);
      throw nothingListens(port);
    },
    expireLink: async (_port, _token, signal) => signal.throwIfAborted(),
    takeNotice: () => (use.takeReplaced() ? "The sandbox is new: the files of the former one are gone." : null),
    git: noGit,
  };
}
