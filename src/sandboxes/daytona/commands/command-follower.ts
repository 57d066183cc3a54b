// Waits for the end of a command by polling its log and its state at growing intervals. A WebSocket has no advantage:
// in workerd it costs a request to open, has to be closed explicitly, and the log is read at the end anyway. The first
// polls come fast, so a short command costs three or four requests and about 20 ms.
import type { CommandState } from "../../../agent/sandbox.ts";
import type { CollectedOutput } from "../../output-collector.ts";
import { pause } from "../client/waiting.ts";
import type { InputState } from "./input-watch.ts";
import type { LiveOutput } from "./live-output.ts";

/** One reading of the whole log. */
export interface LogReading extends CollectedOutput {
  characters: number;
  /** Characters that the command printed: those of the log without its marks. */
  printed: number;
  /** The exit code from the end markers. */
  exit_code: number | null;
  is_complete: boolean;
  /** The log exceeds the limit for reading: another reading would find nothing new. */
  is_cut: boolean;
}

export interface CommandSource {
  readLog(live: LiveOutput | null): Promise<LogReading>;
  /** The exit code from the daemon. Null while the command runs, or while a process it started holds its output. */
  readExitCode(): Promise<number | null>;
  /** Whether the command waits for input. If it does, the log has all that it printed, and is read again. */
  watchInput(): Promise<InputState>;
}

const FIRST_POLL_MS = 20;
const MAX_POLL_MS = 500;

/** A command that ends before this shows its output only as its result, not live. */
const LIVE_AFTER_MS = 300;

/** A smaller log is as cheap to read as the state, and contains more. */
const SMALL_CHARACTERS = 32 * 1024;

/**
 * With a small log the daemon's exit code is needed only if the wrapper was killed before it printed its end marker.
 */
const POLLS_PER_STATE = 8;

/** The pause between two readings of a large log, as a multiple of the time that a reading takes. */
const REST_PER_READING = 5;
const LARGE_LOG_REST_MS = 2_000;

/** How long to wait for the rest of the log after the daemon's exit code. */
const SMALL_LOG_GRACE_MS = 1_500;
const LARGE_LOG_GRACE_MS = 500;

/**
 * The same after the first of the two end markers. The second one is sure to come, but the daemon's shell reads each
 * stream byte by byte: it needs seconds for a long line, and the other stream is through at once.
 */
const SECOND_MARKER_GRACE_MS = 30_000;

/**
 * How long nothing is printed before the sandbox is asked whether the command waits for input. The time doubles at each
 * look, so an hour of silence costs eleven.
 */
const QUIET_MS = 2_000;

export interface FollowOptions {
  wait_ms: number;
  live: LiveOutput;
  signal: AbortSignal;
}

export async function followCommand(source: CommandSource, options: FollowOptions): Promise<CommandState> {
  const { live, signal } = options;
  const begun = Date.now();
  const until = begun + options.wait_ms;
  let delay = FIRST_POLL_MS;
  let nextReading = 0;
  let isLarge = false;
  let exitCode: number | null = null;
  let acceptAt = Number.POSITIVE_INFINITY;
  let last: LogReading | null = null;
  const quiet = new Quiet(begun);
  for (let poll = 1; ; poll++) {
    await pause(Math.max(0, Math.min(delay, until - Date.now())), signal);
    delay = Math.min(MAX_POLL_MS, delay * 1.5);
    const now = Date.now();
    const isLast = now >= until;
    // Between the two end markers, the daemon's exit code says that nothing more comes.
    const isEnding = typeof last?.exit_code === "number";
    if (exitCode === null && (isLarge || isLast || isEnding || poll % POLLS_PER_STATE === 0))
      exitCode = await source.readExitCode();
    if (last?.is_cut) {
      if (exitCode !== null || isLast) return toState(last, exitCode);
      continue;
    }
    if (now < nextReading && exitCode === null && !isLast) continue;

    const isLive = live.has_begun || now - begun >= LIVE_AFTER_MS;
    let reading = await source.readLog(isLive ? live : null);
    quiet.see(reading, now);
    if (exitCode === null && reading.exit_code === null && quiet.isDue(now)) {
      quiet.note(await source.watchInput());
      if (quiet.waits) reading = await source.readLog(isLive ? live : null);
    }
    last = reading;
    isLarge = reading.characters > SMALL_CHARACTERS;
    if (isLarge) nextReading = Date.now() + Math.max(LARGE_LOG_REST_MS, (Date.now() - now) * REST_PER_READING);
    const grace = isLarge ? LARGE_LOG_GRACE_MS : SMALL_LOG_GRACE_MS;
    if (exitCode !== null) acceptAt = Math.min(acceptAt, now + grace);
    else if (reading.exit_code !== null) acceptAt = Math.min(acceptAt, now + SECOND_MARKER_GRACE_MS);
    const hasEnded = reading.is_complete || now >= acceptAt;
    if (isLive) live.flush(!hasEnded);
    const waits = quiet.waits && !hasEnded && exitCode === null && reading.exit_code === null;
    // Many programs read their input beside their work. One that has begun a line and not ended it has asked.
    if (waits && isAsking(reading)) {
      live.note("the command waits for input");
      return toState(reading, null, true);
    }
    if (hasEnded || isLast) return toState(reading, exitCode, waits);
  }
}

/** When a command printed last, and what was seen of its input since. */
class Quiet {
  waits = false;
  #since: number;
  #printed = 0;
  #wait_ms = QUIET_MS;

  constructor(now: number) {
    this.#since = now;
  }

  see({ printed }: LogReading, now: number): void {
    if (printed === this.#printed) return;
    this.#printed = printed;
    this.#since = now;
    this.#wait_ms = QUIET_MS;
    this.waits = false;
  }

  isDue(now: number): boolean {
    return now - this.#since >= this.#wait_ms;
  }

  note(state: InputState): void {
    this.waits = state === "waits";
    this.#wait_ms = state === "unknown" ? Number.POSITIVE_INFINITY : this.#wait_ms * 2;
  }
}

/** The daemon's log has whole lines, but for one that was held back. */
export function isAsking({ output }: CollectedOutput): boolean {
  return output !== "" && !output.endsWith("\n");
}

export function toState(reading: LogReading, exit_code: number | null, waits = false): CommandState {
  const code = reading.exit_code ?? exit_code;
  const state = { exit_code: code, output: reading.output, omitted_bytes: reading.omitted_bytes };
  return waits && code === null ? { ...state, waits_for_input: true } : state;
}
