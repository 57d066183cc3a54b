/**
 * One run of git in a sandbox, seen from the server: what it said, within a time and a size, and its way out if it has
 * one (see `relay.ts`).
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
  /** For git's stdin. */
  input?: string;
  variables?: Record<string, string>;
  /** The path need not exist, and follows the arguments. */
  creates?: boolean;
  /** The remote's address in the repository, and what stands for it. */
  remote?: { address: string; relay: Relay } | undefined;
  /** Ends the run when whoever asked for it has gone. */
  signal?: AbortSignal;
}

export interface GitOutcome {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** What lasts longer locally is a repository that no answer of one JSON text could describe. */
const localLimitMs = 120_000;
/** A large repository over a slow line. */
const remoteLimitMs = 1_800_000;
/** A status with a hundred thousand files in it. */
const maxOutputBytes = 16 * 1024 * 1024;
/** Hooks and hosts may talk without end, and git speaks last. */
const maxComplaintBytes = 64 * 1024;

/** As a shell tells the signals that end a program from outside: SIGKILL, SIGTERM. */
const killedCodes = [137, 143];
/** Connections that were announced and not yet taken over: whoever announces more is not git. */
const maxOnTheirWay = 16;

/** Runs git, and answers also where it refuses. */
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

/** Runs git, and throws where it refuses. Returns what it printed. */
export async function runGit(context: ToolboxContext, run: GitRun): Promise<string> {
  const { exitCode, stdout, stderr } = await tryGit(context, run);
  if (exitCode === 0) return stdout;
  if (killedCodes.includes(exitCode)) throw new HttpError(500, "git was killed in the sandbox");
  // What the host said is known better out here. Merges and commits explain themselves on stdout.
  const said = `${stderr}\n${stdout}`;
  throw run.remote?.relay.failure ?? describeGitFailure(run.remote ? hideRelay(said, run.remote.address) : said);
}

/** Who asked knows the remote by its own address. */
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
  if (stdout.isCut) throw new HttpError(400, "git answers with more than 16 MiB");
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
}

/** A connection that can't be had is one that git sees fail. */
async function takeOver(context: ToolboxContext, connection: number, relay: Relay): Promise<void> {
  try {
    relay.accept(await context.life.container.takeOver(connection));
  } catch {
    // The run or the sandbox has ended.
  }
}

/** Keeps what fits of the beginning, or of the end. */
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
    // A copy: the frame is a part of a buffer that may be much larger.
    this.#pieces.push(Buffer.from(piece));
    while (this.#bytes > this.#limit) this.#bytes -= this.#pieces.shift()?.length ?? 0;
  }

  text(): string {
    return Buffer.concat(this.#pieces).toString("utf8");
  }
}
