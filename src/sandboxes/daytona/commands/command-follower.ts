// Waits for the end of a command by looking at its log and its state, ever more seldom. No socket: in workerd one would
// cost a request to open, would have to be closed by hand, and the log is read at the end all the same. The first looks
// come fast, so a short command costs three or four requests and some 20 ms.
import type { CommandState } from "../../../agent/sandbox.ts";
import type { CollectedOutput } from "../../output-collector.ts";
import { pause } from "../client/waiting.ts";
import type { LiveOutput } from "./live-output.ts";

/** One reading of the whole log. */
export interface LogReading extends CollectedOutput {
  characters: number;
  /** What the wrapper has said at the end of the streams. */
  exit_code: number | null;
  is_complete: boolean;
  /** It was read as far as logs are read: another reading would tell nothing new. */
  is_cut: boolean;
}

export interface CommandSource {
  readLog(live: LiveOutput | null): Promise<LogReading>;
  /** What the daemon says; null while the command runs, or while something it started holds its output. */
  readExitCode(): Promise<number | null>;
}

const FIRST_LOOK_MS = 20;
const SLOWEST_LOOK_MS = 500;

/** A command that has ended by then shows its output as a result, not live. */
const LIVE_AFTER_MS = 300;

/** A log below this is as cheap to read as the state, and tells more. */
const SMALL_CHARACTERS = 32 * 1024;

/** With a small log the daemon's word is needed only if the wrapper was killed and can't speak. */
const LOOKS_PER_STATE = 8;

/** A large log is read again after this many times as long as reading it took. */
const REST_PER_READING = 5;
const LARGE_LOG_REST_MS = 2_000;

/** How long the end of the log may come after the daemon's exit code, or one stream's after the other's. */
const SMALL_LOG_GRACE_MS = 1_500;
const LARGE_LOG_GRACE_MS = 500;

export interface FollowOptions {
  wait_ms: number;
  live: LiveOutput;
  signal: AbortSignal;
}

export async function followCommand(source: CommandSource, options: FollowOptions): Promise<CommandState> {
  const { live, signal } = options;
  const begun = Date.now();
  const until = begun + options.wait_ms;
  let delay = FIRST_LOOK_MS;
  let nextReading = 0;
  let isLarge = false;
  let exitCode: number | null = null;
  let acceptAt = Number.POSITIVE_INFINITY;
  let last: LogReading | null = null;
  for (let look = 1; ; look++) {
    await pause(Math.max(0, Math.min(delay, until - Date.now())), signal);
    delay = Math.min(SLOWEST_LOOK_MS, delay * 1.5);
    const now = Date.now();
    const isLast = now >= until;
    if (exitCode === null && (isLarge || isLast || look % LOOKS_PER_STATE === 0))
      exitCode = await source.readExitCode();
    if (last?.is_cut) {
      if (exitCode !== null || isLast) return toState(last, exitCode);
      continue;
    }
    if (now < nextReading && exitCode === null && !isLast) continue;

    const isLive = live.has_begun || now - begun >= LIVE_AFTER_MS;
    const reading = await source.readLog(isLive ? live : null);
    last = reading;
    isLarge = reading.characters > SMALL_CHARACTERS;
    if (isLarge) nextReading = Date.now() + Math.max(LARGE_LOG_REST_MS, (Date.now() - now) * REST_PER_READING);
    exitCode ??= reading.exit_code;
    if (exitCode !== null) acceptAt = Math.min(acceptAt, now + (isLarge ? LARGE_LOG_GRACE_MS : SMALL_LOG_GRACE_MS));
    const hasEnded = reading.is_complete || now >= acceptAt;
    if (isLive) live.flush(!hasEnded);
    if (hasEnded || isLast) return toState(reading, exitCode);
  }
}

export function toState(reading: LogReading, exit_code: number | null): CommandState {
  return { exit_code: reading.exit_code ?? exit_code, output: reading.output, omitted_bytes: reading.omitted_bytes };
}
