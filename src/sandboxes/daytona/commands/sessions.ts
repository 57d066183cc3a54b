// One daemon session per command: the daemon runs the commands of a session one after another, and only deleting the
// session ends a command with every process it started.

import { SandboxError } from "../../../agent/sandbox.ts";
import type { CallOptions, DaytonaConnection } from "../client/connection.ts";
import { readFailure, toSandboxError } from "../client/failure.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import { race } from "../client/waiting.ts";
import { COMMAND_VARIABLE, LOST_EXIT_CODE, readCommandLine, readSessionName } from "./command-line.ts";
import { isDeadSession, isMissingSession, readCommands } from "./session-failures.ts";

export interface SessionCommand {
  /** The daemon's id of the command. */
  id: string;
  command: string;
  exit_code: number | null;
}

export type WriteLine = (sandbox: SdkSandbox) => string | Promise<string>;

/** How many commands start between two clean-ups of ended sessions. */
const COMMANDS_PER_CLEANING = 32;

/** Prints the names of the sessions that still have processes, such as a server in the background. */
const LIST_LIVE = `cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | sed -n 's/^${COMMAND_VARIABLE}=//p' | sort -u`;

export class DaytonaSessions {
  readonly #connection: DaytonaConnection;
  readonly #keep: number;
  /** Concurrent calls with the same id start one command. */
  readonly #starting = new Map<string, Promise<string>>();
  /** Sessions in the order in which this instance used them. Daytona lists them in no order. */
  readonly #used = new Set<string>();
  #untilCleaning = 0;

  constructor(connection: DaytonaConnection, keep: number) {
    this.#connection = connection;
    this.#keep = keep;
  }

  /**
   * Starts the command, or finds the one that was started in this session before. Resolves with the daemon's id.
   * `writeLine` is called right before each attempt to start it.
   */
  async start(session: string, writeLine: WriteLine, signal: AbortSignal): Promise<string> {
    const running = this.#starting.get(session);
    if (running !== undefined) {
      const started = await race(running, signal).catch(() => signal.throwIfAborted());
      // The call that started it gave up, so this one starts or finds the command.
      return started ?? this.start(session, writeLine, signal);
    }
    const starting = this.#start(session, writeLine, signal).finally(() => this.#starting.delete(session));
    this.#starting.set(session, starting);
    return starting;
  }

  async #start(session: string, writeLine: WriteLine, signal: AbortSignal): Promise<string> {
    this.#used.delete(session);
    this.#used.add(session);
    for (let attempt = 1; ; attempt++) {
      try {
        let isNew = await this.#create(session, signal);
        return await this.#connection.call(async (sandbox) => {
          const { process } = sandbox;
          const read = () => process.getSession(session);
          const found = isNew ? null : pickCommand((await readCommands(read, signal)).commands ?? []);
          // A retry may find that the previous attempt did arrive.
          isNew = false;
          if (found) return found.id;
          // An aborted caller ends the session, so nothing may be started for it any more.
          signal.throwIfAborted();
          const command = await writeLine(sandbox);
          signal.throwIfAborted();
          const line = { command, runAsync: true, suppressInputEcho: true };
          return (await process.executeSessionCommand(session, line)).cmdId;
        }, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof SandboxError) throw error;
        const failure = readFailure(error);
        // The sandbox was replaced or restarted between the two requests, and lost its sessions.
        const canStart = isMissingSession(failure) || isDeadSession(failure);
        if (!canStart || attempt > 1) throw toSandboxError(failure, "The command was not started");
        if (isDeadSession(failure)) await this.remove(session, signal);
      }
    }
  }

  /** False if the session already exists. */
  async #create(session: string, signal: AbortSignal): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#connection.call(({ process }) => process.createSession(session), signal);
        return true;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof SandboxError) throw error;
        const failure = readFailure(error);
        if (failure.status === 409) return false;
        // A daemon may limit its number of sessions.
        if (failure.status !== 400 || attempt > 1) throw failure;
        await this.#removeEnded(signal);
      }
    }
  }

  /** The command of a session; null if the session does not exist or nothing was started in it. */
  async find(session: string, signal: AbortSignal, options: CallOptions = {}): Promise<SessionCommand | null> {
    try {
      const { commands } = await this.#connection.call(
        ({ process }) => readCommands(() => process.getSession(session), signal),
        signal,
        options,
      );
      return pickCommand(commands ?? []);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError || readFailure(error).status !== 404) throw error;
      return null;
    }
  }

  async list(signal: AbortSignal): Promise<{ name: string; session: string; command: SessionCommand }[]> {
    const sessions = await this.#connection.call(
      ({ process }) => readCommands(() => process.listSessions(), signal),
      signal,
    );
    return sessions.flatMap(({ sessionId, commands }) => {
      const name = readSessionName(sessionId);
      const command = pickCommand(commands ?? []);
      return name !== null && command ? [{ name, session: sessionId, command }] : [];
    });
  }

  /** False if the session did not exist. */
  async remove(session: string, signal: AbortSignal, options: CallOptions = {}): Promise<boolean> {
    this.#used.delete(session);
    try {
      await this.#connection.call(({ process }) => process.deleteSession(session), signal, options);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError || readFailure(error).status !== 404) throw error;
      return false;
    }
  }

  /** From time to time removes sessions that ended long ago. Best effort: a failure is ignored. */
  async clean(signal: AbortSignal): Promise<void> {
    if (this.#untilCleaning-- > 0) return;
    this.#untilCleaning = COMMANDS_PER_CLEANING;
    await this.#removeEnded(signal).catch(() => signal.throwIfAborted());
  }

  async #removeEnded(signal: AbortSignal): Promise<void> {
    const sessions = await this.list(signal);
    if (sessions.length <= this.#keep) return;
    const live = await this.#connection.call((sandbox) => listLive(sandbox), signal);
    const recent = [...this.#used];
    // Sessions of earlier lives first, then in the order of use.
    const ended = sessions
      .filter(({ command, session }) => command.exit_code !== null && !live.has(session))
      .sort((one, other) => recent.indexOf(one.session) - recent.indexOf(other.session));
    for (const { session } of ended.slice(0, sessions.length - Math.ceil(this.#keep / 2))) {
      await this.remove(session, signal);
    }
  }
}

async function listLive(sandbox: SdkSandbox): Promise<Set<string>> {
  const { exitCode, result } = await sandbox.process.executeCommand(LIST_LIVE, undefined, undefined, 10);
  if (exitCode !== 0) throw new SandboxError("failed", "The processes of the sandbox can't be listed.");
  return new Set(result.split("\n").filter((line) => line !== ""));
}

interface DaemonCommand {
  id: string;
  command: string;
  exitCode?: number | null;
}

/**
 * A session has one command, or two if a start was retried although the first attempt had arrived. The second one then
 * only printed that it was not started again.
 */
function pickCommand(commands: DaemonCommand[]): SessionCommand | null {
  const found = commands.find(({ exitCode }) => exitCode !== LOST_EXIT_CODE) ?? commands[0];
  if (!found) return null;
  return { id: found.id, command: readCommandLine(found.command), exit_code: found.exitCode ?? null };
}
