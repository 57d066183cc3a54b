// Commands of the sandbox: starts each once, follows and reads their output, sends input, terminates them.
import type { CommandInfo, CommandRequest, CommandState, OnOutput } from "../../../agent/sandbox.ts";
import { SandboxError } from "../../../agent/sandbox.ts";
import { OutputCollector } from "../../output-collector.ts";
import type { CallOptions, DaytonaConnection } from "../client/connection.ts";
import { readFailure } from "../client/failure.ts";
import type { DaytonaLimits } from "../client/limits.ts";
import type { Toolbox } from "../client/toolbox.ts";
import { pause, within } from "../client/waiting.ts";
import { readStringField } from "../files/json-stream.ts";
import { type CommandSource, followCommand, type LogReading, toState } from "./command-follower.ts";
import { MAX_COMMAND_BYTES, nameSession, writeCommandLine } from "./command-line.ts";
import { CommandLog } from "./command-log.ts";
import { type InputState, watchInput } from "./input-watch.ts";
import { LiveOutput } from "./live-output.ts";
import { isMissingInput, isMissingSession, readCommands } from "./session-failures.ts";
import type { DaytonaSessions } from "./sessions.ts";

/** A pipe buffers about this much unread input. With more the daemon's write would block for ever. */
const MAX_INPUT_BYTES = 60_000;

/**
 * How many ended commands are remembered: the daemon forgets terminated ones, and the model may still ask about them.
 */
const MAX_REMEMBERED = 32;

/** Together a second and a half: a busy sandbox starts a shell in less. */
const INPUT_ATTEMPTS = 8;
const INPUT_AGAIN_MS = 50;

/** How long a termination waits for the last output of its command. */
const LAST_READ_MS = 2_000;

/** The exit code that shells report for a killed process. */
const KILLED_EXIT_CODE = 137;

export interface CommandPorts {
  connection: DaytonaConnection;
  sessions: DaytonaSessions;
  toolbox: Toolbox;
  limits: DaytonaLimits;
}

export class DaytonaCommands {
  readonly #ports: CommandPorts;
  readonly #terminated = new Map<string, CommandState>();
  /** Exit codes from logs, by session: the daemon reports them a moment later. */
  readonly #ended = new Map<string, number>();

  constructor(ports: CommandPorts) {
    this.#ports = ports;
  }

  async run(request: CommandRequest, onOutput: OnOutput, signal: AbortSignal): Promise<CommandState> {
    const { command_id, command, cwd, wait_ms } = request;
    checkText(command, "command", MAX_COMMAND_BYTES);
    checkText(cwd ?? "", "cwd", MAX_COMMAND_BYTES);
    const terminated = this.#terminated.get(command_id);
    if (terminated) return terminated;
    const { sessions, limits } = this.#ports;
    const session = await nameSession(command_id);
    const writeLine = (sandbox: string) => writeCommandLine({ session, sandbox, cwd: cwd ?? null, command });
    const id = await sessions.start(session, writeLine, signal);
    await sessions.clean(signal);
    const live = new LiveOutput(onOutput, limits.live_characters);
    try {
      const state = await followCommand(this.#sourceOf(session, id, signal), { wait_ms, live, signal });
      if (state.exit_code !== null) remember(this.#ended, session, state.exit_code);
      return state;
    } catch (error) {
      signal.throwIfAborted();
      const ended = this.#terminated.get(command_id);
      if (ended) return ended;
      if (error instanceof SandboxError || !isMissingSession(readFailure(error))) throw error;
      throw new SandboxError(
        "failed",
        "The sandbox was restarted or replaced while the command ran. Its output is lost: check what it has done.",
      );
    }
  }

  async read(command_id: string, signal: AbortSignal): Promise<CommandState> {
    const terminated = this.#terminated.get(command_id);
    if (terminated) return terminated;
    const session = await nameSession(command_id);
    const { id, exit_code } = await this.#find(command_id, session, signal);
    const reading = await this.#readLog(session, id, null, signal);
    if (exit_code !== null || reading.exit_code !== null) return toState(reading, exit_code);
    const waits = (await this.#watchInput(session, signal)) === "waits";
    return toState(waits ? await this.#readLog(session, id, null, signal) : reading, null, waits);
  }

  #watchInput(session: string, signal: AbortSignal): Promise<InputState> {
    const { connection, toolbox } = this.#ports;
    return connection.call((sandbox) => watchInput({ toolbox, sandbox }, session, signal), signal);
  }

  /** Sends a line, and adds a missing line feed as the daemon does. */
  async sendInput(command_id: string, input: string, signal: AbortSignal): Promise<void> {
    checkText(input, "input", MAX_INPUT_BYTES);
    const session = await nameSession(command_id);
    const ended = new SandboxError("failed", `The command ${command_id} has ended and takes no input.`);
    if (this.#terminated.has(command_id)) throw ended;
    const line = input.endsWith("\n") ? input : `${input}\n`;
    for (let attempt = 1; ; attempt++) {
      const { id, exit_code } = await this.#find(command_id, session, signal);
      if (exit_code !== null) throw ended;
      try {
        // Not retried by itself: the program would read the line twice.
        return await this.#ports.connection.call(
          ({ process }) => process.sendSessionCommandInput(session, id, line),
          signal,
          { is_repeatable: false },
        );
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof SandboxError) throw error;
        const failure = readFailure(error);
        if (failure.status === 410) throw ended;
        // The shell makes the command's input a moment after the start, and removes it a moment before the exit code.
        if (!isMissingInput(failure)) throw error;
        if (attempt >= INPUT_ATTEMPTS)
          throw new SandboxError("failed", `The command ${command_id} takes no input now. See whether it still runs.`);
        await pause(INPUT_AGAIN_MS * attempt, signal);
      }
    }
  }

  async terminate(command_id: string, signal: AbortSignal): Promise<void> {
    if (this.#terminated.has(command_id)) return;
    const session = await nameSession(command_id);
    const last = await this.#readLast(session, signal);
    // Also without a command: a concurrent start then finds no session and fails.
    const wasThere = await this.#ports.sessions.remove(session, signal, { opens: false });
    if (last === null && !wasThere) throw unknownCommand(command_id);
    if (last !== null && wasThere) remember(this.#terminated, command_id, last);
  }

  /** The output of a command before its termination; null if there is no command. */
  async #readLast(session: string, signal: AbortSignal): Promise<CommandState | null> {
    const options = { opens: false };
    try {
      return await within(LAST_READ_MS, signal, async (end) => {
        const command = await this.#ports.sessions.find(session, end, options);
        if (command === null) return null;
        const reading = await this.#readLog(session, command.id, null, end, options);
        return toState(reading, command.exit_code ?? KILLED_EXIT_CODE);
      });
    } catch {
      signal.throwIfAborted();
      return { exit_code: KILLED_EXIT_CODE, output: "", omitted_bytes: 0 };
    }
  }

  async list(signal: AbortSignal): Promise<CommandInfo[]> {
    const sessions = await this.#ports.sessions.list(signal);
    return sessions.slice(-this.#ports.limits.entries).map(({ name, session, command }) => ({
      command_id: name,
      command: command.command,
      exit_code: command.exit_code ?? this.#ended.get(session) ?? null,
    }));
  }

  async #find(command_id: string, session: string, signal: AbortSignal) {
    const command = await this.#ports.sessions.find(session, signal);
    if (command) return command;
    throw unknownCommand(command_id);
  }

  #sourceOf(session: string, id: string, signal: AbortSignal): CommandSource {
    const { connection } = this.#ports;
    return {
      readLog: (live) => this.#readLog(session, id, live, signal),
      readExitCode: async () => {
        const command = await connection.call(
          ({ process }) => readCommands(() => process.getSessionCommand(session, id), signal),
          signal,
        );
        return command.exitCode ?? null;
      },
      watchInput: () => this.#watchInput(session, signal),
    };
  }

  #readLog(
    session: string,
    id: string,
    live: LiveOutput | null,
    signal: AbortSignal,
    options: CallOptions = {},
  ): Promise<LogReading> {
    const { connection, toolbox, limits } = this.#ports;
    return connection.call(
      async (sandbox) => {
        const collector = new OutputCollector(limits.output_bytes);
        live?.rewind();
        let printed = 0;
        const log = new CommandLog(session, (stream, text) => {
          printed += text.length;
          collector.push(text);
          live?.push(stream, text);
        });
        let characters = 0;
        const request = {
          path: `/process/session/${session}/command/${encodeURIComponent(id)}/logs`,
          signal,
          answer_ms: limits.request_ms,
          timeout_ms: limits.log_ms,
        };
        await toolbox.ask(sandbox, request, (response) =>
          readStringField(response, "output", (piece) => {
            characters += piece.length;
            log.push(piece);
            return characters < limits.log_characters;
          }),
        );
        log.end();
        const is_cut = characters >= limits.log_characters;
        return {
          ...collector.read(),
          characters,
          printed,
          exit_code: log.exit_code,
          is_complete: log.is_complete,
          is_cut,
        };
      },
      signal,
      options,
    );
  }
}

function remember<Value>(memory: Map<string, Value>, key: string, value: Value): void {
  memory.set(key, value);
  const oldest = memory.keys().next().value;
  if (memory.size > MAX_REMEMBERED && oldest !== undefined) memory.delete(oldest);
}

function unknownCommand(command_id: string): SandboxError {
  return new SandboxError(
    "not_found",
    `There is no command ${command_id}: it was never started, was terminated, or the sandbox has been restarted since.`,
  );
}

function checkText(text: string, name: string, limit_bytes: number): void {
  if (text.includes("\0")) throw new SandboxError("invalid", `The ${name} has a NUL character in it.`);
  if (new TextEncoder().encode(text).length > limit_bytes) {
    throw new SandboxError(
      "invalid",
      `The ${name} is longer than ${limit_bytes} bytes: write it to a file and use that.`,
    );
  }
}
