/**
 * What a keeper knows about its sandbox, and the environment that every process in it starts from.
 */
import { accessSync, constants } from "node:fs";
import { delimiter } from "node:path";

export interface KeeperSettings {
  /** The unix socket of the server, as seen from here. */
  socket: string;
  home: string;
  /** Where commands start and relative paths begin. */
  workDir: string;
  temporary: string;
  /** A folder for named pipes and command texts that dies with the keeper. */
  scratch: string;
  /** Without a mount namespace file operations are fenced in by path checks instead. */
  fenced: boolean;
  /** Everything ends when there are more; 0 where the processes of others can't be told from the sandbox's. */
  maxProcesses: number;
  path: string;
}

/** The sandbox's environment: changed by the create request and by `POST /env`, read by every new process. */
export const variables = new Map<string, string>();

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function isVariableName(name: string): boolean {
  return namePattern.test(name);
}

export function processEnvironment(
  settings: KeeperSettings,
  extra: Record<string, string> = {},
): Record<string, string> {
  return {
    HOME: settings.home,
    USER: "daytona",
    LOGNAME: "daytona",
    SHELL: findShell(),
    PATH: settings.path,
    LANG: "C.UTF-8",
    ...(settings.fenced ? { TMPDIR: settings.temporary } : {}),
    ...Object.fromEntries(variables),
    ...extra,
  };
}

let shell: string | undefined;

/** bash first: the sandbox then behaves alike on every machine, whatever its owner's login shell is. */
export function findShell(): string {
  if (shell) return shell;
  const folders = ["/bin", "/usr/bin", ...(process.env.PATH ?? "").split(delimiter)];
  for (const folder of folders) {
    if (isExecutable(`${folder}/bash`)) {
      shell = `${folder}/bash`;
      return shell;
    }
  }
  shell = "/bin/sh";
  return shell;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
