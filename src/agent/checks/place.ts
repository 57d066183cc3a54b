// Port: where checks look at a project's files, programs and ports. A sandbox implements it as one of its abilities
// (`Sandbox.checks`); without it, checks end as `not_run` and say so.

/** All files of the project that git does not ignore. */
export interface Tree {
  /** Equal for equal files: their names, their contents, and whether they may be executed. */
  hash: string;
  /** Names the state for `listChanges`, as long as the sandbox runs. */
  mark: string;
}

export interface CheckCommand {
  /** Identifies the command for good, as in `CommandRequest`: a life that runs it again attaches to it. */
  command_id: string;
  run: string;
  /** Relative to the work dir, or absolute. Null: the work dir. */
  cwd: string | null;
  time_limit_ms: number;
  /** The tree before it, kept beside the command: whoever attaches to it compares with what was there at its start. */
  tree?: Tree | null;
}

export interface CommandSeen {
  /** Which `tree` the command was started with. Null: without one. */
  tree: Tree | null;
  /** Null: it was ended at the time limit. */
  exit_code: number | null;
  /** stdout and stderr in order of arrival: all of it up to 64 KiB, else its first 32 KiB. */
  output_head: string;
  /** The last 32 KiB of a longer output; else empty. */
  output_tail: string;
  output_bytes: number;
  output_hash: string;
}

export interface CheckRequest {
  port: number;
  path: string;
  time_limit_ms: number;
}

/** How much of a body and of a file is shown. What is hidden of secrets may make a text shorter than it was. */
export const SHOWN_BODY_BYTES = 64 * 1024;
export const SHOWN_FILE_BYTES = 1024 * 1024;

export interface ResponseSeen {
  status: number;
  /** Of the body, at most 64 KiB. */
  body: string;
  body_bytes: number;
  body_hash: string;
}

export interface FileSeen {
  /** Null: there is no regular file. */
  hash: string | null;
  size: number;
  /** At most 1 MiB of it; null if there is none or it is no text. */
  text: string | null;
}

export interface GitSeen {
  branch: string | null;
  commit: string | null;
  /** Changed and untracked files, at most 20. */
  changed: string[];
  /** Commits that the upstream lacks; null without an upstream. */
  unpushed: number | null;
}

/** What a pattern of protected files matches. */
export interface Matches {
  /**
   * Of the one file that it names, its SHA-256; else of the names of all files with theirs, equal for equal files. Null
   * if nothing matches, or it can't be protected.
   */
  hash: string | null;
  /** How many match. Absent for one file that the pattern names, and for nothing. */
  files?: number;
  /** Files that are not as they were, at most 20. Absent if none is, or it is not known which. */
  altered?: string[];
  /**
   * Another word once a file has been written, moved or replaced, even if it is as it was again: no program can set the
   * time at which a file system saw its last change. Absent without `since`.
   */
  moment?: string;
}

/** What a commit has at some paths of the project's checkout. */
export interface Committed {
  /** The checkout, relative to the work dir. */
  folder: string;
  /** What the server cloned for the person. Null if it is not known, as where the folder was there before. */
  commit: string | null;
  /** In the order of the paths. */
  files: {
    /** Null: the commit has no such file, or is not known. `text`: null if it has more than 64 KiB, or is no text. */
    file: { hash: string; size: number; text: string | null } | null;
    /** The hash of the file as it is now; null if there is none. */
    now: string | null;
  }[];
}

export interface GitLook {
  /**
   * Asks the remote from which the project's checkout was cloned what it has, in place of what the repository knows of
   * its upstream. Without such a remote it makes no difference.
   */
  asks_remote?: boolean;
}

/**
 * Contract: methods reject with `SandboxError` only, and stop waiting when `signal` aborts (then reject with its reason).
 * `not_found` and `invalid` are about what was asked, `failed` about what the sandbox lacks (a program, a repository):
 * the check has not run. Commands run in a shell of their own, without the variables, functions and history of the
 * agent's shell and with an empty home, and all that they have started is ended with them. Nothing here keeps a check's
 * command from changing files: who runs it compares trees.
 */
export interface CheckPlace {
  readTree(signal: AbortSignal): Promise<Tree>;
  /** Files that differ between the tree and now, at most 20. */
  listChanges(since: Tree, signal: AbortSignal): Promise<string[]>;
  runCommand(command: CheckCommand, signal: AbortSignal): Promise<CommandSeen>;
  /**
   * Starts a program in the background and waits until the port takes connections. Rejects with `not_found` if it ends
   * before, or the time is over, or another program listens there already. Attaches to one of the same id.
   */
  startProgram(command: CheckCommand & { port: number }, signal: AbortSignal): Promise<void>;
  /**
   * Ends a command or program and all that it has started. No error if it has ended, or never began: then no request for
   * its start that comes late begins it. Starts no sandbox.
   */
  endProgram(command_id: string, signal: AbortSignal): Promise<void>;
  /**
   * A GET from inside the sandbox to its own port. Redirects are not followed. Rejects with `not_found` if nothing
   * answers.
   */
  request(request: CheckRequest, signal: AbortSignal): Promise<ResponseSeen>;
  readFile(path: string, signal: AbortSignal): Promise<FileSeen>;
  /** SHA-256 of each file in hex, in the order of the paths; null where there is no regular file. */
  hashFiles(paths: string[], signal: AbortSignal): Promise<(string | null)[]>;
  /**
   * In the order of the patterns (`protected-pattern.ts`). Everything counts, whether git ignores it or not. More than
   * 5,000 files or 64 MiB, a link, and what is outside of the project can't be protected. `since`: hashes of before, by
   * pattern.
   */
  hashMatches(patterns: string[], signal: AbortSignal, since?: ReadonlyMap<string, string>): Promise<Matches[]>;
  readGit(cwd: string | null, signal: AbortSignal, options?: GitLook): Promise<GitSeen>;
  /**
   * Files as they are in the commit that was cloned for the person, whatever was done to the repository since: a sandbox
   * that can't prove that says that the commit is not known. Null if the project has no checkout; then nothing is asked.
   * Left out by a sandbox without checkouts.
   */
  readCommitted?(paths: string[], signal: AbortSignal): Promise<Committed | null>;
  /** What patterns match in that commit, in which they begin at the checkout. Equal files have the hash of `hashMatches`. */
  hashCommitted?(patterns: string[], signal: AbortSignal): Promise<Matches[] | null>;
}
