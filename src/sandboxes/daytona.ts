// A project's sandbox in Daytona, through its SDK. One instance belongs to one life of a thread object: its client and its
// sandbox are fields of it, since objects of one process share modules but not connections.
//
// The SDK keeps a Socket.IO connection open unless it is told to poll, which would keep the object awake for ever. The SDK
// can't be aborted and has no bound on what it reads; where that matters `daytona-toolbox` makes the request itself.
import { Daytona } from "@daytonaio/sdk";
import { type OnSandboxState, type Sandbox, SandboxError } from "../agent/sandbox.ts";
import { DaytonaCommands } from "./daytona-commands.ts";
import { DaytonaConnection } from "./daytona-connection.ts";
import { DaytonaFailure, readFailure, toSandboxError } from "./daytona-failure.ts";
import { DaytonaFiles } from "./daytona-files.ts";
import { DaytonaLifecycle } from "./daytona-lifecycle.ts";
import { type DaytonaLimits, defaultLimits } from "./daytona-limits.ts";
import { DaytonaPortLinks } from "./daytona-ports.ts";
import { DaytonaSearch } from "./daytona-search.ts";
import { DaytonaSessions } from "./daytona-sessions.ts";
import { Toolbox } from "./daytona-toolbox.ts";

export interface DaytonaSettings {
  api_key: string;
  api_url: string;
  target: string | null;
  snapshot: string | null;
  /** The same for every thread of a project: it decides which sandbox they get. */
  name: string;
  labels: Record<string, string>;
  onState: OnSandboxState;
  limits?: Partial<DaytonaLimits>;
}

export interface DaytonaSandbox extends Sandbox {
  /** Deletes the sandbox with its files; the next call makes a new one. No error where there is none. */
  destroy(signal: AbortSignal): Promise<void>;
}

/** For the model, which would else rely on what it made before. */
const NEW_SANDBOX =
  "The sandbox is new: files, installed programs and running commands of the former one are gone. Make again what you need.";

export function createDaytonaSandbox(settings: DaytonaSettings): DaytonaSandbox {
  const { api_key, api_url, target, snapshot, name, labels, onState } = settings;
  const limits = { ...defaultLimits, ...settings.limits };
  const client = new Daytona({
    apiKey: api_key,
    apiUrl: api_url,
    ...(target === null ? {} : { target }),
    useDeprecatedPolling: true,
    requestTimeoutMs: limits.request_ms,
  });
  const host = URL.canParse(api_url) ? new URL(api_url).host : "its address";
  const lifecycle = new DaytonaLifecycle({ client, name, snapshot, labels, host, limits, onState });
  const connection = new DaytonaConnection(lifecycle, limits);
  const toolbox = new Toolbox(api_key);
  const ports = { connection, toolbox, limits };
  const commands = new DaytonaCommands({ ...ports, sessions: new DaytonaSessions(connection, limits.sessions) });
  const files = new DaytonaFiles(ports);
  const search = new DaytonaSearch(ports, files);
  const links = new DaytonaPortLinks(ports);
  const guard = createGuard(api_key);
  return {
    runCommand: (request, onOutput, signal) => guard(signal, () => commands.run(request, onOutput, signal)),
    readCommand: (id, signal) => guard(signal, () => commands.read(id, signal)),
    sendInput: (id, input, signal) => guard(signal, () => commands.sendInput(id, input, signal)),
    terminateCommand: (id, signal) => guard(signal, () => commands.terminate(id, signal)),
    listCommands: (signal) => guard(signal, () => commands.list(signal)),
    writeFile: (path, content, signal) => guard(signal, () => files.write(path, content, signal)),
    readFile: (path, signal) => guard(signal, () => files.read(path, signal)),
    deleteFile: (path, recursive, signal) => guard(signal, () => files.delete(path, recursive, signal)),
    moveFile: (from, to, signal) => guard(signal, () => files.move(from, to, signal)),
    listFiles: (path, depth, signal) => guard(signal, () => files.list(path, depth, signal)),
    findFiles: (path, glob, signal) => guard(signal, () => search.findFiles(path, glob, signal)),
    searchFiles: (path, text, signal) => guard(signal, () => search.searchFiles(path, text, signal)),
    exposePort: (port, signal) => guard(signal, () => links.expose(port, signal)),
    takeNotice: () => (lifecycle.takeNews() ? NEW_SANDBOX : null),
    destroy: (signal) =>
      guard(signal, async () => {
        connection.reset();
        await lifecycle.destroy(signal);
      }),
  };
}

/** A shorter key is a placeholder of a local server, and may be a part of any word. */
const MIN_SECRET_CHARACTERS = 8;

type Guard = <Value>(signal: AbortSignal, work: () => Promise<Value>) => Promise<Value>;

/** Keeps the port's promise: rejects with `SandboxError` or the signal's reason, and never with the key in a message. */
function createGuard(api_key: string): Guard {
  return async (signal, work) => {
    try {
      signal.throwIfAborted();
      return await work();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const known = error instanceof SandboxError ? error : explain(error);
      // Daytona may quote what it was sent.
      if (api_key.length < MIN_SECRET_CHARACTERS || !known.message.includes(api_key)) throw known;
      throw new SandboxError(known.code, known.message.replaceAll(api_key, "[key]"));
    }
  };
}

function explain(error: unknown): SandboxError {
  try {
    return toSandboxError(readFailure(error), "The sandbox");
  } catch {
    return new SandboxError("failed", `The sandbox failed in an unexpected way (${nameOf(error)}).`);
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error && !(error instanceof DaytonaFailure)
    ? `${error.name}: ${error.message}`.slice(0, 200)
    : "unknown";
}
