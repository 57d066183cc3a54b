// Walks over git tools beside plain git: random histories of two clones and a remote, and kills in the midst of them.
// The short ones run with `npm test`, the long ones with `npm test -- --all`.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openShellGit, type ShellGit, type ShellGitOptions } from "../fakes/shell-git.ts";
import { type GitServer, type Repository, startGitServer } from "./git-server.ts";

export const { signal } = new AbortController();

export interface World {
  home: string;
  host: GitServer;
  place: ShellGit;
  open(options?: Partial<ShellGitOptions>): ShellGit;
  /** Runs a command of a person's in a folder. */
  run(command: string, folder?: string): Promise<string>;
  /** Whether it ended well. */
  tries(command: string, folder: string): Promise<boolean>;
  close(): Promise<void>;
}

export async function startWorld(): Promise<World> {
  const [home, host] = await Promise.all([mkdtemp(join(tmpdir(), "taskloom-walk-")), startGitServer()]);
  const open = (options: Partial<ShellGitOptions> = {}) => openShellGit({ home, ...options });
  const place = open();
  const run = (command: string, folder = ".") => place.run(`cd ${folder} && { ${command}\n}`);
  return {
    ...{ home, host, place, open, run },
    tries: async (command, folder) => (await run(`${command} >/dev/null 2>&1; echo $?`, folder)) === "0\n",
    close: async () => {
      await host.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/**
 * What two repositories have in common if they have the same history: every commit by its tree, its parents and what
 * it says, as far as that does not name the remote.
 */
function nameCommits(log: string): Map<string, string> {
  const rows = log.split("\n").filter((line) => line !== "");
  const facts = new Map(
    rows.map((line) => {
      const [hash = "", tree = "", parents = "", subject = ""] = line.split("\x1f");
      return [hash, { tree, parents: parents.split(" ").filter(Boolean), subject: subject.replace(/ of http.*/, "") }];
    }),
  );
  const names = new Map<string, string>();
  const nameOf = (hash: string): string => {
    const known = names.get(hash);
    if (known !== undefined) return known;
    const fact = facts.get(hash);
    const name = fact ? `${fact.tree.slice(0, 8)} ${fact.subject} (${fact.parents.map(nameOf).join(", ")})` : "unknown";
    names.set(hash, name);
    return name;
  };
  for (const hash of facts.keys()) nameOf(hash);
  return names;
}

export const LOG = "git log --all --reflog --topo-order --format='%H%x1f%T%x1f%P%x1f%s'";

/** Branches, index, work tree and what is under way. */
export async function describeClone({ run }: World, folder: string): Promise<string> {
  const names = nameCommits(await run(LOG, folder));
  const state = await run(
    "git for-each-ref --format='%(refname) %(objectname) %(upstream)' refs/heads refs/remotes; git symbolic-ref HEAD; git ls-files -s; git status --porcelain --branch; cat f* 2>/dev/null; git stash list; ls .git | grep -e MERGE_HEAD -e lock -e taskloom; git fsck --no-dangling 2>&1",
    folder,
  );
  return state.replaceAll(/\b[0-9a-f]{40}\b/g, (hash) => names.get(hash) ?? hash);
}

export async function describeRemote(repository: Repository): Promise<string> {
  const names = nameCommits(await repository.git("log", "--all", "--format=%H%x1f%T%x1f%P%x1f%s"));
  const refs = await repository.git("for-each-ref", "--format=%(refname) %(objectname)");
  return refs.replaceAll(/\b[0-9a-f]{40}\b/g, (hash) => names.get(hash) ?? hash);
}
