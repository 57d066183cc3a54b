// A sandbox whose requests become spans. Only calls that reach it do: what it answers from memory has none.
import { type Sandbox, SandboxError } from "../agent/sandbox.ts";
import type { SandboxGit } from "../agent/sandbox-git.ts";

/** Begins a span, and returns what ends it: with the kind of its failure, or null. */
export type BeginSpan = (operation: string) => (error: string | null) => void;

const operations: Record<string, string> = {
  runCommand: "run_command",
  readCommand: "read_command",
  sendInput: "send_input",
  terminateCommand: "terminate_command",
  listCommands: "list_commands",
  writeFile: "write_file",
  readFile: "read_file",
  deleteFile: "delete_file",
  moveFile: "move_file",
  listFiles: "list_files",
  findFiles: "find_files",
  searchFiles: "search_files",
  locate: "locate",
  exposePort: "expose_port",
};

export function traceSandbox(sandbox: Sandbox, begin: BeginSpan): Sandbox {
  return traceMethods<Sandbox>(sandbox, (name) => operations[name], begin, {
    git: (git) => traceGit(git as SandboxGit, begin),
  });
}

function traceGit(git: SandboxGit, begin: BeginSpan): SandboxGit {
  return traceMethods<SandboxGit>(git, (name) => `git_${name}`, begin, {
    restricted: (inner) => (inner === undefined ? undefined : traceGit(inner as SandboxGit, begin)),
  });
}

/** A proxy, since an implementation may be a class instance. `inner`: properties that are ports themselves. */
function traceMethods<Port extends object>(
  port: Port,
  nameOf: (method: string) => string | undefined,
  begin: BeginSpan,
  inner: Record<string, (value: unknown) => unknown>,
): Port {
  return new Proxy(port, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      const wrap = inner[String(key)];
      if (wrap !== undefined) return wrap(value);
      if (typeof value !== "function") return value;
      const operation = nameOf(String(key));
      if (operation === undefined) return value.bind(target);
      return async (...request: unknown[]) => {
        const end = begin(operation);
        try {
          const answer: unknown = await value.apply(target, request);
          end(null);
          return answer;
        } catch (error) {
          end(error instanceof SandboxError ? error.code : "_OTHER");
          throw error;
        }
      };
    },
  });
}
