/**
 * Runs git once in a sandbox: collects its output within limits of time and size, and connects it to its relay if it
 * has one (see `relay.ts`).
 */
import { readReply } from "./container.ts";
import { HttpError } from "./http.ts";
import { type Frame, frameKind, parseJson } from "./keeper/channel.ts";
import type { ToolboxContext } from "./parts.ts";
import type { Relay } from "./relay.ts";

export interface GitRun {
  /** The repository's folder, as the client named it. */
  path: string;
  args: string[];
  /** git's stdin. */
  input?: string;
  variables?: Record<string, string>;
  /** The path need not exist yet; it is passed after the arguments. */
  creates?: boolean;
  /** The remote's address in the repository, and the relay for it. */
  remote?: { address: string; relay: Relay } | undefined;
  /** Ends the run when the client disconnects. */
  signal?: AbortSignal;
}

interface GitOutcome {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** A longer local run means a repository too large for one JSON response. */
const localLimitMs = 120_000;
/** A large repository over a slow connection. */
const remoteLimitMs = 1_800_000;
/** Enough for a status with a hundred thousand files. */
const maxOutputBytes = 16 * 1024 * 1024;
/** Hooks and hosts may print without end; git's own message comes last. */
const maxComplaintBytes = 64 * 1024;

/** Exit codes of programs killed from outside, as a shell reports them: SIGKILL, SIGTERM. */
const killedCodes = [137, 143];
/** Connections that were announced and not yet taken over. git never opens this many. */
const maxOnTheirWay = 16;

/** Runs git and returns the outcome, also when git fails. */
export async function tryGit(context: ToolboxContext, run: GitRun): Promise<GitOutcome> {
  const { path, args, input = "", variables = {}, creates = false, remote, signal } = run;
  const channel = await context.life.container.open("git", {
    ...{ path, args, input, variables, creates },
    ...(remote ? { relay: remote.address } : {}),
  });
  const limitMs = remote ? remoteLimitMs : localLimitMs;
  let isLate = false;
  const end = (): void => void channel.socket.destroy();
  const timer = setTimeout(() => {
    isLate = true;
    end();
  }, limitMs);
  signal?.addEventListener("abort", end, { once: true });
  if (signal?.aborted) end();
  try {
    return await collectOutcome(context, channel.reader, remote?.relay);
  } catch (error) {
    if (!isLate) throw error;
    const message = `git did not end within ${limitMs / 60_000} minutes`;
    throw remote ? new HttpError(502, message, "GIT_TRANSPORT_FAILED") : new HttpError(408, message);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
    end();
  }
}

/** Runs git and returns what it printed. Throws when git fails. */
export async function runGit(context: ToolboxContext, run: GitRun): Promise<string> {
  const { exitCode, stdout, stderr } = await tryGit(context, run);
  if (exitCode === 0) return stdout;
  if (killedCodes.includes(exitCode)) throw new HttpError(500, "git was killed in the sandbox");
  // The relay knows best what the host said. Merges and commits explain themselves on stdout.
  const said = `${stderr}\n${stdout}`;
  throw run.remote?.relay.failure ?? describeGitFailure(run.remote ? hideRelay(said, run.remote.address) : said);
}

/** Replaces the relay's address with the remote's own, which the client knows. */
function hideRelay(text: string, address: string): string {
  return text.replaceAll(/http:\/\/127\.0\.0\.1:\d+\/repository/g, () => hidePassword(address));
}

interface Frames {
  next(): Promise<Frame | undefined>;
}

async function collectOutcome(context: ToolboxContext, reader: Frames, relay: Relay | undefined): Promise<GitOutcome> {
  const stdout = new Collector(maxOutputBytes);
  const stderr = new Collector(maxComplaintBytes, true);
  let onTheirWay = 0;
  for (let frame = await reader.next(); frame; frame = await reader.next()) {
    if (frame.kind === frameKind.stdout) stdout.add(frame.payload);
    else if (frame.kind === frameKind.stderr) stderr.add(frame.payload);
    else if (frame.kind === frameKind.json) {
      const report = parseJson(frame);
      if (report.ok === false) readReply(frame);
      if (typeof report.exitCode === "number") return finish(report.exitCode, stdout, stderr);
      if (typeof report.connection === "number" && relay?.isOpen && onTheirWay < maxOnTheirWay) {
        onTheirWay += 1;
        void takeOver(context, report.connection, relay).finally(() => {
          onTheirWay -= 1;
        });
      }
    }
  }
  throw new HttpError(502, "the sandbox ended while git ran");
}

function finish(exitCode: number, stdout: Collector, stderr: Collector): GitOutcome {
  if (stdout.isCut) throw new HttpError(400, "git's output is larger than 16 MiB");
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
}

/** If the connection can't be taken over, git sees it fail. */
async function takeOver(context: ToolboxContext, connection: number, relay: Relay): Promise<void> {
  try {
    relay.accept(await context.life.container.takeOver(connection));
  } catch {
    // The run or the sandbox has ended.
  }
}

/** Keeps the beginning or the end, as much as fits. */
class Collector {
  isCut = false;
  readonly #limit: number;
  readonly #keepsEnd: boolean;
  readonly #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(limit: number, keepsEnd = false) {
    this.#limit = limit;
    this.#keepsEnd = keepsEnd;
  }

  add(piece: Buffer): void {
    this.isCut ||= this.#bytes + piece.length > this.#limit;
    if (this.isCut && !this.#keepsEnd) return;
    this.#bytes += piece.length;
    // Copied, because the frame is a part of a buffer that may be much larger.
    this.#pieces.push(Buffer.from(piece));
    while (this.#bytes > this.#limit) this.#bytes -= this.#pieces.shift()?.length ?? 0;
  }

  text(): string {
    return Buffer.concat(this.#pieces).toString("utf8");
  }
}

type Reading = [sentence: RegExp, status: number, code: string];

const readings: Reading[] = [
  [/does not appear to be a git repository|No such remote/i, 404, "GIT_REPO_NOT_FOUND"],
  [/not a git repository/i, 404, "GIT_REPO_NOT_FOUND"],
  [/repository '.*' (?:not found|does not exist)/i, 404, "GIT_REPO_NOT_FOUND"],
  [/Remote branch .* not found|couldn't find remote ref|branch '.*' not found/i, 404, "GIT_BRANCH_NOT_FOUND"],
  [/pathspec '.*' did not match any file\(s\) known to git|invalid reference/i, 404, "GIT_BRANCH_NOT_FOUND"],
  [
    /src refspec .* does not match any|unknown revision|as a valid revision|not a valid object name/i,
    404,
    "GIT_BRANCH_NOT_FOUND",
  ],
  [
    /does not have any commits yet|could not resolve HEAD|reference is not a tree|bad revision/i,
    404,
    "GIT_BRANCH_NOT_FOUND",
  ],
  [/unable to read tree|not our ref|Server does not allow request for/i, 404, "GIT_BRANCH_NOT_FOUND"],
  [/a branch named '.*' already exists/i, 409, "GIT_BRANCH_EXISTS"],
  [/! \[rejected\]|\t\[rejected\]/i, 409, "GIT_PUSH_REJECTED"],
  [/\[remote rejected\]/i, 422, "GIT_REMOTE_REJECTED"],
  [/would be overwritten by|Entry '.*' not uptodate|Cannot merge/i, 409, "GIT_DIRTY_WORKTREE"],
  [/uncommitted changes|unstaged changes/i, 409, "GIT_DIRTY_WORKTREE"],
  [/^CONFLICT |Automatic merge failed|unmerged (?:files|paths)|not concluded your merge/im, 409, "GIT_MERGE_CONFLICT"],
  [/refusing to merge unrelated histories/i, 409, "GIT_MERGE_CONFLICT"],
  [/you need to resolve your current index first/i, 409, "GIT_MERGE_CONFLICT"],
  [/already exists and is not an empty directory|remote .* already exists/i, 409, "CONFLICT"],
  [/\.lock': File exists|Another git process/i, 409, "CONFLICT"],
  [
    /unable to access|early EOF|RPC failed|hung up unexpectedly|Could not read from remote/i,
    502,
    "GIT_TRANSPORT_FAILED",
  ],
];

/** For a person to read: a hook may print for hours. */
const maxCharacters = 2_000;

export function describeGitFailure(text: string): HttpError {
  const said = text.trim();
  const message =
    said.length > maxCharacters ? `…${said.slice(-maxCharacters)}` : said || "git failed and said nothing";
  const reading = readings.find(([sentence]) => sentence.test(said));
  if (!reading) return new HttpError(400, message, "BAD_REQUEST");
  const [, status, code] = reading;
  return new HttpError(status, message, code);
}

/** The address for messages. Its user name stays, as in the real daemon. */
export function hidePassword(address: string): string {
  return address.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/@:]*):[^/@]*@/i, "$1@");
}

interface FileStatus {
  name: string;
  staging: string;
  worktree: string;
  extra: string;
}

export interface GitStatus {
  currentBranch: string;
  fileStatus: FileStatus[];
  ahead: number;
  behind: number;
  branchPublished: boolean;
  detached: boolean;
  upstream: string;
}

const words: Record<string, string> = {
  ".": "Unmodified",
  M: "Modified",
  // A file became a link or the reverse.
  T: "Modified",
  A: "Added",
  D: "Deleted",
  R: "Renamed",
  C: "Copied",
  U: "Updated but unmerged",
};

const unmerged = "Updated but unmerged";

export function parseStatus(output: string): GitStatus {
  const status: GitStatus = {
    ...{ currentBranch: "", fileStatus: [], ahead: 0, behind: 0 },
    ...{ branchPublished: false, detached: false, upstream: "" },
  };
  const entries = output.split("\0");
  for (let index = 0; index < entries.length; index += 1) {
    const entry = entries[index] ?? "";
    if (entry.startsWith("# ")) readBranch(entry.slice(2), status);
    else if (entry.startsWith("? ")) status.fileStatus.push(describe(entry.slice(2), "Untracked", "Untracked"));
    else if (entry.startsWith("u ")) status.fileStatus.push(describe(nameAfter(entry, 10), unmerged, unmerged));
    else if (entry.startsWith("1 ")) status.fileStatus.push(readChange(entry, nameAfter(entry, 8)));
    else if (entry.startsWith("2 ")) {
      // The former name is an entry of its own.
      index += 1;
      status.fileStatus.push({ ...readChange(entry, nameAfter(entry, 9)), extra: entries[index] ?? "" });
    }
  }
  return status;
}

function readBranch(line: string, status: GitStatus): void {
  const [key, ...rest] = line.split(" ");
  const value = rest.join(" ");
  if (key === "branch.head") {
    status.detached = value === "(detached)";
    status.currentBranch = status.detached ? "HEAD" : value;
  } else if (key === "branch.upstream") {
    status.upstream = value;
  } else if (key === "branch.ab") {
    // Left out where the remote's branch is not known.
    status.branchPublished = true;
    const [, ahead, behind] = /^\+(\d+) -(\d+)$/.exec(value) ?? [];
    status.ahead = Number(ahead ?? 0);
    status.behind = Number(behind ?? 0);
  }
}

function readChange(entry: string, name: string): FileStatus {
  const staging = words[entry[2] ?? "."] ?? "Unmodified";
  const worktree = words[entry[3] ?? "."] ?? "Unmodified";
  return describe(name, staging, worktree);
}

function describe(name: string, staging: string, worktree: string): FileStatus {
  return { name, staging, worktree, extra: "" };
}

/** A name may contain spaces; the fields before it contain none. */
function nameAfter(entry: string, fields: number): string {
  return entry.split(" ").slice(fields).join(" ");
}

/** The commit that is checked out. */
export async function requireHead(context: ToolboxContext, path: string): Promise<string> {
  const folders = (await runGit(context, { path, args: ["rev-parse", "--git-dir", "--git-common-dir"] })).trim();
  const [own, common] = folders.split("\n");
  const head = own === common ? await findCommit(context, path, "HEAD") : undefined;
  if (head === undefined) throw new HttpError(404, "reference not found", "GIT_BRANCH_NOT_FOUND");
  return head;
}

export async function findCommit(context: ToolboxContext, path: string, name: string): Promise<string | undefined> {
  const args = ["rev-parse", "--quiet", "--verify", "--end-of-options", `${name}^{commit}`];
  const { exitCode, stdout } = await tryGit(context, { path, args });
  return exitCode === 0 ? stdout.trim() : undefined;
}

/** HEAD first, then files and index, if no file that git knows is changed beside the index. */
export async function moveTo(
  context: ToolboxContext,
  path: string,
  { branch, commit }: { branch: string | undefined; commit: string },
): Promise<void> {
  const args =
    branch === undefined
      ? ["update-ref", "--no-deref", "HEAD", commit]
      : ["symbolic-ref", "HEAD", `refs/heads/${branch}`];
  await runGit(context, { path, args });
  await resetMerge(context, path, commit);
}

async function resetMerge(context: ToolboxContext, path: string, commit: string): Promise<void> {
  await tryGit(context, { path, args: ["update-index", "-q", "--refresh"] });
  const { exitCode } = await tryGit(context, { path, args: ["diff-files", "--quiet"] });
  if (exitCode !== 0) throw new HttpError(409, "worktree contains unstaged changes", "GIT_DIRTY_WORKTREE");
  await runGit(context, { path, args: ["reset", "--hard", "--quiet", commit] });
}

/** `access` is the way to the remote. */
export async function pullAsLibrary(
  context: ToolboxContext,
  { path, remote }: { path: string; remote: string },
  access: Pick<GitRun, "remote" | "signal">,
): Promise<void> {
  const fetch = ["fetch", "--quiet", "--no-recurse-submodules"];
  await runGit(context, { path, args: [...fetch, "--", remote, "HEAD"], ...access });
  const wanted = (await runGit(context, { path, args: ["rev-parse", "FETCH_HEAD"] })).trim();
  const head = await findCommit(context, path, "HEAD");
  if (head !== undefined) {
    if (await isAncestor(context, path, wanted, head)) return;
    if (!(await isAncestor(context, path, head, wanted)))
      throw new HttpError(409, "non-fast-forward update", "GIT_MERGE_CONFLICT");
  }
  const branch = (await tryGit(context, { path, args: ["symbolic-ref", "--quiet", "--short", "HEAD"] })).stdout.trim();
  await runGit(context, { path, args: ["update-ref", "HEAD", wanted] });
  if (branch !== "") await tryGit(context, { path, args: ["update-ref", `refs/remotes/${remote}/${branch}`, wanted] });
  await resetMerge(context, path, wanted);
}

async function isAncestor(context: ToolboxContext, path: string, one: string, other: string): Promise<boolean> {
  return (await tryGit(context, { path, args: ["merge-base", "--is-ancestor", one, other] })).exitCode === 0;
}
