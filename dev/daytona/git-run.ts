/**
 * Runs git once in a sandbox: collects its output within limits of time and size, and connects it to its relay if it
 * has one (see `relay.ts`).
 */

import { readReply } from "./container.ts";
import type { ToolboxContext } from "./context.ts";
import { HttpError } from "./errors.ts";
import { describeGitFailure, hidePassword } from "./git-failures.ts";
import { type Frame, frameKind, parseJson } from "./keeper/frames.ts";
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

export interface GitOutcome {
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
