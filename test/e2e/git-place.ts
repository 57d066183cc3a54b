// A home with git in a shell, and a host of repositories beside it, for tests of what git tools do.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openShellGit, type ShellGit } from "../fakes/shell-git.ts";
import { type GitServer, startGitServer } from "./git-server.ts";

export interface GitPlace {
  home: string;
  host: GitServer;
  place: ShellGit;
  close(): Promise<void>;
}

export async function openGitPlace(): Promise<GitPlace> {
  const [home, host] = await Promise.all([mkdtemp(join(tmpdir(), "taskloom-git-")), startGitServer()]);
  const close = async (): Promise<void> => {
    await host.close();
    await rm(home, { recursive: true, force: true });
  };
  return { home, host, place: openShellGit({ home }), close };
}
