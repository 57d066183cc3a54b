// A sandbox that is opened when a tool first uses it. A run without tools reads no project and makes no client.
import { type Sandbox, SandboxError } from "../agent/sandbox.ts";
import { wrapGit } from "../agent/sandbox-git.ts";
import { lazyPlace } from "./checks/lazy-place.ts";

/**
 * `make` is called until it succeeds once. If it fails, the call fails, and the next call tries again. After `renew` it
 * is called once more, with the former sandbox, which stays in use if `make` fails.
 */
export function lazySandbox(make: (former: Sandbox | null) => Promise<Sandbox>): Sandbox {
  let made: Promise<Sandbox> | null = null;
  let ready: Sandbox | null = null;
  const open = (): Promise<Sandbox> => {
    made ??= make(ready).then(
      (sandbox) => {
        ready = sandbox;
        return sandbox;
      },
      (error: unknown) => {
        made = null;
        if (ready !== null) return ready;
        if (error instanceof SandboxError) throw error;
        throw new SandboxError("failed", "The project's settings could not be read just now. Try again.");
      },
    );
    return made;
  };
  return {
    runCommand: async (...request) => (await open()).runCommand(...request),
    readCommand: async (...request) => (await open()).readCommand(...request),
    sendInput: async (...request) => (await open()).sendInput(...request),
    terminateCommand: async (...request) => (await open()).terminateCommand(...request),
    listCommands: async (...request) => (await open()).listCommands(...request),
    writeFile: async (...request) => (await open()).writeFile(...request),
    readFile: async (...request) => (await open()).readFile(...request),
    deleteFile: async (...request) => (await open()).deleteFile(...request),
    moveFile: async (...request) => (await open()).moveFile(...request),
    listFiles: async (...request) => (await open()).listFiles(...request),
    findFiles: async (...request) => (await open()).findFiles(...request),
    searchFiles: async (...request) => (await open()).searchFiles(...request),
    exposePort: async (...request) => (await open()).exposePort(...request),
    renew: () => {
      // A sandbox that is being made reads the current settings anyway.
      if (ready !== null) made = null;
    },
    checks: lazyPlace(async () => (await open()).checks),
    keepAlive: async (...request) => ready?.keepAlive?.(...request),
    git: {
      ...wrapGit(async (work) => work((await open()).git)),
      restricted: wrapGit(async (work) => {
        const { git } = await open();
        return work(git.restricted ?? git);
      }),
    },
    locate: async (...request) => (await (await open()).locate?.(...request)) ?? null,
    readFacts: async (signal) => (await ready?.readFacts?.(signal)) ?? null,
    readNotes: async (...request) => (await (await open()).readNotes?.(...request)) ?? null,
    readRepositoryNotice: () => ready?.readRepositoryNotice?.() ?? null,
    readSecretsNotice: () => ready?.readSecretsNotice?.() ?? null,
    hideSecrets: async (text, signal) => (await ready?.hideSecrets?.(text, signal)) ?? text,
    takeNotice: () => ready?.takeNotice?.() ?? null,
  };
}
