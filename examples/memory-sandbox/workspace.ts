// A machine in memory as people use it: its state, and files as streams. It has no terminal, no SSH and no archive.
import { SandboxError } from "../../src/agent/sandbox.ts";
import type { Upload, Workspace, WorkspaceState } from "../../src/agent/workspace.ts";
import type { Machine, MachineUse } from "./machines.ts";
import { nothingListens } from "./sandbox.ts";

const MAX_LISTED = 1_000;

export function createMemoryWorkspace(use: MachineUse): Workspace {
  const files = async (path: string, signal: AbortSignal) => {
    const { computer } = await use.open(signal);
    // People may see only the work dir.
    if (!/^\/work(\/|$)/.test(computer.files.resolve(path))) {
      throw new SandboxError("refused", `${path} leads out of the work dir.`);
    }
    return computer.files;
  };
  return {
    readState: async (signal) => {
      signal.throwIfAborted();
      return describe(use.find());
    },
    start: async (signal) => describe(await use.open(signal)),
    stop: async (signal) => {
      signal.throwIfAborted();
      use.stop();
      return describe(use.find());
    },
    destroy: async (signal, isTarget = () => true) => {
      signal.throwIfAborted();
      use.destroy(isTarget);
    },
    listFiles: async (path, depth, signal) => {
      const entries = (await files(path, signal)).list(path, depth);
      return { entries: entries.slice(0, MAX_LISTED), is_cut: entries.length > MAX_LISTED };
    },
    openFile: async (path, _range, signal) => {
      const content = (await files(path, signal)).read(path);
      const name = path.slice(path.lastIndexOf("/") + 1);
      return { name, size: content.length, body: new Blob([content as Uint8Array<ArrayBuffer>]).stream() };
    },
    writeFile: async (path, upload, signal) => {
      try {
        const target = await files(path, signal);
        const content = await readUpload(path, upload, signal);
        const is_new = !target.has(path);
        target.write(path, content);
        return { file: target.describe(path), is_new };
      } finally {
        if (!upload.content.locked) await upload.content.cancel().catch(() => undefined);
      }
    },
    deleteFile: async (path, recursive, signal) => (await files(path, signal)).delete(path, recursive),
    signLink: async (port, _seconds, signal) => {
      signal.throwIfAborted();
      throw nothingListens(port);
    },
    expireLink: async (_port, _token, signal) => signal.throwIfAborted(),
    findEndpoint: async (_port, signal) => {
      signal.throwIfAborted();
      return null;
    },
  };
}

async function readUpload(path: string, { content, limit_bytes }: Upload, signal: AbortSignal): Promise<Uint8Array> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const piece of content) {
    signal.throwIfAborted();
    size += piece.length;
    if (size > limit_bytes) throw new SandboxError("too_large", `${path} has more than ${limit_bytes} bytes.`);
    pieces.push(piece as Uint8Array<ArrayBuffer>);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

function describe(machine: Machine | null): WorkspaceState {
  const nothing = { target: null, snapshot: null, cpu: null, memory: null, disk: null };
  const state = machine === null ? "none" : machine.isRunning ? "started" : "stopped";
  const times = { auto_stop_minutes: null, auto_archive_minutes: null, created_at: machine?.created_at ?? null };
  return { state, reason: null, ...nothing, ...times };
}
